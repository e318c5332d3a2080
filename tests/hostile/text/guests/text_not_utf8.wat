;; Has a name that is no text.
(module
  (memory (export "memory") 2)
  (data (i32.const 1024) "\00\08\00\00\04\00\00\00")
  (data (i32.const 2048) "\ff\fe\c0\80"))

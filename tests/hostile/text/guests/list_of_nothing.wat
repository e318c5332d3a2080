;; Has 130,000 action types, all of them the same 4 MB of zeros.
(module
  (memory (export "memory") 80)
  (data (i32.const 1024) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\08\00\00\d0\fb\01\00"))

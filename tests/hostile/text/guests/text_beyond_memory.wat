;; Has a name of 4 GiB.
(module
  (memory (export "memory") 2)
  (data (i32.const 1024) "\00\08\00\00\ff\ff\ff\ff"))

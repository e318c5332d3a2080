;; Has two thousand million action types.
(module
  (memory (export "memory") 2)
  (data (i32.const 1024) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\08\00\00\ff\ff\ff\7f"))

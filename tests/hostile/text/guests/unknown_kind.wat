;; Fails with a kind of failure that the contract does not have.
(module
  (memory (export "memory") 2)
  (data (i32.const 4096) "\01\00\00\00\c8")
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    i32.const 4096))

;; Answers with a result that is neither good nor bad.
(module
  (memory (export "memory") 2)
  (data (i32.const 4096) "\07")
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    i32.const 4096))

;; Asks for a larger and larger table, whatever the answer.
(module
  (table $t 1 funcref)
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    (loop
      ref.null func
      i32.const 1000
      table.grow $t
      drop
      br 0)
    unreachable))

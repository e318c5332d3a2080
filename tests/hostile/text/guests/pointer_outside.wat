;; Says that its answer lies where it has no memory.
(module
  (func (export "ocean:integration-action/actions@0.1.0#describe") (result i32)
    i32.const 0xfffffff0))

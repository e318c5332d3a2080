;; Asks for page after page of memory, whatever the answer.
(module
  (memory (export "memory") 2)
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    (loop
      i32.const 1
      memory.grow
      drop
      br 0)
    unreachable))

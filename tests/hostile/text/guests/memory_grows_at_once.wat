;; Asks for all the memory that an address can name.
(module
  (memory (export "memory") 2)
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    i32.const 65534
    memory.grow
    drop
    i32.const 1024))

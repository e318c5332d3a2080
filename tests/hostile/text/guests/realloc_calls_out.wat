;; Uses the moment in which the host writes arguments to call the host.
(module
  (import "ocean:integration-action/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    i32.const 1
    i32.const 1024
    i32.const 4
    call $log
    i32.const 65536))

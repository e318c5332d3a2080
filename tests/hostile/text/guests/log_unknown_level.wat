;; Logs with a level that the contract does not have.
(module
  (import "ocean:integration-action/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    i32.const 99
    i32.const 1024
    i32.const 4
    call $log
    i32.const 1024))

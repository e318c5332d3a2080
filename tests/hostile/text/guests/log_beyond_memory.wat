;; Logs a message that begins in its memory and ends elsewhere.
(module
  (import "ocean:integration-action/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    i32.const 1
    i32.const 131000
    i32.const 2000000
    call $log
    i32.const 1024))

;; Waits for ever when it is asked what it is.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (func (export "ocean:integration-action/actions@0.1.0#describe") (result i32)
    i64.const -1
    call $subscribe
    call $block
    i32.const 1024))

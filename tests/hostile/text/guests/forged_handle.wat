;; Uses handles that it was never given.
(module
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    i32.const 1
    call $block
    i32.const 1024))

;; Wants the environment of the host.
;; wit: import wasi:cli/environment@0.2.0;
(module
  (import "wasi:cli/environment@0.2.0" "get-environment" (func $get (param i32)))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    (call $get (i32.const 2048))
    i32.const 1024))

;; Wants the next WASI's HTTP.
;; wit: import wasi:http/client@0.3.0;
(module
  (import "wasi:http/client@0.3.0" "send" (func $f))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    call $f
    i32.const 1024))

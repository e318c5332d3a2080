;; Wants a function that this host's HTTP does not have.
;; wit: import wasi:http/types@0.2.99;
(module
  (import "wasi:http/types@0.2.99" "send-without-asking" (func $f))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    call $f
    i32.const 1024))

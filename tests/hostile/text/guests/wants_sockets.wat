;; Wants a socket.
;; wit: import wasi:sockets/instance-network@0.2.0;
(module
  (import "wasi:sockets/instance-network@0.2.0" "open" (func $f))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    call $f
    i32.const 1024))

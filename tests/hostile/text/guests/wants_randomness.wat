;; Wants random numbers.
;; wit: import wasi:random/random@0.2.0;
(module
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $get (result i64)))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    (drop (call $get))
    i32.const 1024))

;; Calls itself without end when it is asked what it is.
(module
  (func $deeper (param i64) (result i64)
    local.get 0
    i64.const 1
    i64.add
    call $deeper
    i64.const 1
    i64.add)
  (func (export "ocean:integration-action/actions@0.1.0#describe") (result i32)
    i64.const 0
    call $deeper
    drop
    i32.const 1024))

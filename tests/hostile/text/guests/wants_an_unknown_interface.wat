;; Wants something that nobody has heard of.
;; wit: import evil:host/shell@1.0.0;
(module
  (import "evil:host/shell@1.0.0" "run" (func $f))
  (func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
    call $f
    i32.const 1024))

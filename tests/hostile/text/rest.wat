;; What a guest has that does not say otherwise. The signatures are those of the canonical ABI: arguments are pieces of
;; the values, or, where these are more than 16, one pointer to them; a result is a pointer.

(memory (export "memory") 2)

;; Gives pieces of the second page, over and over.
(func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  i32.const 65536)

;; All zero: empty texts, empty lists, no webhooks.
(func (export "ocean:integration-action/actions@0.1.0#describe") (result i32)
  i32.const 1024)

;; All zero: `ok` with an empty definition.
(func (export "ocean:integration-action/actions@0.1.0#configure")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  i32.const 1024)

(func (export "ocean:integration-action/actions@0.1.0#plan") (param i32) (result i32)
  i32.const 1024)

(func (export "ocean:integration-action/actions@0.1.0#dispatch") (param i32) (result i32)
  i32.const 1024)

(func (export "ocean:integration-action/actions@0.1.0#handle-webhook") (param i32) (result i32)
  i32.const 1024)

(func (export "ocean:integration-action/actions@0.1.0#check") (param i32) (result i32)
  i32.const 1024)

(func (export "ocean:integration-action/actions@0.1.0#cancel") (param i32) (result i32)
  i32.const 1024)

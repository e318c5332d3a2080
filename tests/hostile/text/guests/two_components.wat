;; Two components in one, as tools that compose make them: the second gives the first a text, so each has a memory.
(component
  (component $taker
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
      (func (export "take") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "take") (param "text" string)
      (canon lift (core func $i "take") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
  (component $giver
    (import "take" (func $take (param "text" string)))
    (core module $memory (memory (export "memory") 1))
    (core instance $memory (instantiate $memory))
    (core func $lowered (canon lower (func $take) (memory (core memory $memory "memory"))))
    (core module $m
      (import "" "take" (func $take (param i32 i32)))
      (func (export "give") i32.const 0 i32.const 0 call $take))
    (core instance $i (instantiate $m (with "" (instance (export "take" (func $lowered))))))
    (func (export "give") (canon lift (core func $i "give"))))
  (instance $taker (instantiate $taker))
  (instance $giver (instantiate $giver (with "take" (func $taker "take"))))
  (export "give" (func $giver "give")))

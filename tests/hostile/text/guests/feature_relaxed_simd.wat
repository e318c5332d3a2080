;; Needs instructions whose result depends on the machine.
(component
  (core module
    (func (param v128 v128) (result v128)
      local.get 0
      local.get 1
      i8x16.relaxed_swizzle)))

;; Traps before anything of it is called.
(module
  (func $trap unreachable)
  (start $trap))

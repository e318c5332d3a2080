;; Spins before anything of it is called.
(module
  (func $spin (loop br 0))
  (start $spin))

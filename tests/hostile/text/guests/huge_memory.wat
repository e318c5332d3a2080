;; Begins with more memory than it may have.
(module
  (memory (export "memory") 60000))

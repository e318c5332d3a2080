;; Begins with a table of more elements than it may have.
(module
  (table 9000000 funcref))

;; Needs memory that is shared with other threads.
(component
  (core module
    (memory 1 1 shared)))

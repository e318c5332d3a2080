;; Needs garbage collection.
(component
  (core module
    (type $pair (struct (field i32) (field i32)))
    (func (result (ref $pair)) struct.new_default $pair)))

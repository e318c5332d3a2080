;; Needs exceptions.
(component
  (core module
    (tag $oops)
    (func throw $oops)))

;; Needs the asynchronous functions of the next WASI.
(component
  (core func (canon backpressure.inc)))

;; Speaks another version of the contract.
;; contract: integration-action@0.1.0 => integration-action@0.2.0
;; contract: actions@0.1.0 => actions@0.2.0
(module)

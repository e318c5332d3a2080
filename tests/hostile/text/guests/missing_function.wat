;; Lacks a function of the contract.
;; contract: cancel: func(installation: installation, run: run, external-run-id: string) -> result<_, failure>; => type nothing = u8;
(module)

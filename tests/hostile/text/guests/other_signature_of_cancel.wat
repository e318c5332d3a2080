;; Has another function of the contract with another result.
;; contract: external-run-id: string) -> result<_, failure>; => external-run-id: string) -> result<string, failure>;
(module)

;; Has a function of the contract with another result.
;; contract: describe: func() -> manifest; => describe: func() -> string;
(module)

;;; component
(import "stratagem:strategy/artifacts@0.1.0" (instance
  (type $r (variant (case "invalid" string) (case "exhausted" string) (case "unavailable" string)))
  (export "refusal" (type $refusal (eq $r)))
  (export "load" (func (param "name" string) (result (result (option (list u8)) (error $refusal)))))))

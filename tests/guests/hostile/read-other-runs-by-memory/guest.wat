;;; component
(import "stratagem:strategy/memory@0.1.0" (instance
  (type $r (variant (case "invalid" string) (case "exhausted" string) (case "unavailable" string)))
  (export "refusal" (type $refusal (eq $r)))
  (type $p (record (field "id" string) (field "kind" string) (field "data" string) (field "success-rate" f64) (field "usage-count" u32)))
  (export "pattern" (type $pattern (eq $p)))
  (export "patterns" (func (param "kind" string) (param "min-success-rate" f64) (param "limit" u32) (result (result (list $pattern) (error $refusal)))))))

;;; component
(import "evil:host/root@1.0.0" (instance (export "run-as-root" (func (param "command" string)))))

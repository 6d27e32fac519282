;;; component
(import "wasi:sockets/ip-name-lookup@0.2.0" (instance (export "lookup" (func (param "name" string)))))

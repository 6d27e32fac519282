;;; component
(import "wasi:sockets/instance-network@0.2.0" (instance (export "network" (type $n (sub resource))) (export "instance-network" (func (result (own $n))))))

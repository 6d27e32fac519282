;;; component
(import "wasi:filesystem/preopens@0.2.0" (instance (export "descriptor" (type $d (sub resource))) (export "get-directories" (func (result (list (tuple (own $d) string)))))))

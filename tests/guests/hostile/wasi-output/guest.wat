;;; component
(import "wasi:cli/stdout@0.2.0" (instance (export "output-stream" (type $o (sub resource))) (export "get-stdout" (func (result (own $o))))))

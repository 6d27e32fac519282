;;; component
(import "engine" (core module (export "memory" (memory 1))))

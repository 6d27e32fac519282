(import "host" "subscribe" (func $subscribe (param i64) (result i32)))
(import "host" "block" (func $block (param i32)))
(func $attack (call $block (call $subscribe (i64.const 1000000000000000000))))
;;; component
(import "wasi:io/poll@0.2.0" (instance $poll
  (export "pollable" (type $p (sub resource)))
  (export "[method]pollable.block" (func (param "self" (borrow $p))))))
(alias export $poll "pollable" (type $pollable))
(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
  (alias outer 1 $pollable (type $outer))
  (export "pollable" (type $p (eq $outer)))
  (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
(core func $subscribe (canon lower (func $clock "subscribe-duration")))
(core func $block (canon lower (func $poll "[method]pollable.block")))
;;; host
(export "subscribe" (func $subscribe)) (export "block" (func $block))

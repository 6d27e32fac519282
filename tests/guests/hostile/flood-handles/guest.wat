(import "host" "new" (func $new (param i32) (result i32)))

(func $attack (local $left i32)
  (local.set $left (i32.const 5000))
  (loop $again
    (drop (call $new (i32.const 7)))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $again (local.get $left))))

;;; component
(type $thing (resource (rep i32)))
(core func $new (canon resource.new $thing))
;;; host
(export "new" (func $new))

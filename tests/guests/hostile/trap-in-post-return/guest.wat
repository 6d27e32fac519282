(func (export "after-solve") (param i32) (unreachable))
;;; lift
(post-return (core func $guest "after-solve"))

(func (export "after-solve") (param i32) (loop $again (br $again)))
;;; lift
(post-return (core func $guest "after-solve"))

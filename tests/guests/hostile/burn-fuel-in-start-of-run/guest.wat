;; What is left of the fuel tells a run from the load.
(func $begin
  (call $budget (i32.const 32))
  (if (i64.lt_u (i64.load (i32.const 32)) (i64.const 100000000)) (then (loop $again (br $again)))))
(start $begin)

(type $f (func (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
(table $t funcref (elem $down $down))
(func $down (type $f)
  (i64.add
    (call_indirect $t (type $f)
      (i64.add (local.get 1) (local.get 7)) (i64.mul (local.get 2) (local.get 6)) (i64.xor (local.get 3) (local.get 5))
      (local.get 4) (local.get 5) (local.get 6) (local.get 7) (local.get 0)
      (i32.wrap_i64 (i64.and (local.get 0) (i64.const 1))))
    (i64.add (i64.add (local.get 0) (local.get 1)) (i64.add (local.get 2) (local.get 3)))))
(func $attack
  (drop (call $down (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8))))

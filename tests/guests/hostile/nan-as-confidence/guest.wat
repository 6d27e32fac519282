(func $attack
  (call $offer-as (f64.const nan) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const -nan) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const nan:0x1) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const nan:0xdeadbeef) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const inf) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const -inf) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const 1.0000000000000002) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const -0x1p-1074) (i32.const 0) (i32.const 0))
  ;; These two are: the smallest number there is, and a zero below zero.
  (call $offer-as (f64.const 0x1p-1074) (i32.const 0) (i32.const 0))
  (call $offer-as (f64.const -0) (i32.const 0) (i32.const 0)))

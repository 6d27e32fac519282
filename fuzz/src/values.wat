;; Does what the setting `block` says, call by call, with arguments taken raw from it: pointers, lengths and all.
;; Two letters 'a' to 'p' of the setting are one byte. What it says, one byte a call and its arguments behind it:
;;
;;   0 offer   test-index, width, height, cells, length, confidence (8 bytes), rationale, length, result
;;   1 step    action, length, detail, length, success
;;   2 log     level, message, length
;;   3 budget  result
;;   4 setting key, length, result
;;   5 seed
;;   6 lie     what the next `realloc` answers
;;   7 end     where the result of `solve` lies
;;
;; An argument is four bytes, little-endian. The eighth bit of the first byte leaves places and lengths as they are;
;; otherwise they are held to the memory and to 1,023, so that a call is not always out of bounds.
;; Without the setting, the sum of all memory is logged: what an earlier run left behind would show.
(core module $work
  (import "base" "memory" (memory 4))
  (import "base" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "base" "lie" (global $lie (mut i32)))
  (import "run" "offer" (func $offer (param i32 i32 i32 i32 i32 f64 i32 i32 i32)))
  (import "run" "step" (func $step (param i32 i32 i32 i32 i32)))
  (import "run" "log" (func $log (param i32 i32 i32)))
  (import "run" "budget" (func $budget (param i32)))
  (import "run" "seed" (func $seed (result i64)))
  (import "run" "setting" (func $setting (param i32 i32 i32)))

  (global $at (mut i32) (i32.const 65536))
  (global $end (mut i32) (i32.const 65536))
  (global $wild (mut i32) (i32.const 0))

  ;; The next argument as it is. Behind the block's end lie zeros.
  (func $word (result i32)
    (i32.load (global.get $at))
    (global.set $at (i32.add (global.get $at) (i32.const 4))))
  (func $held (param $most i32) (result i32)
    (if (result i32) (global.get $wild)
      (then (call $word))
      (else (i32.and (call $word) (local.get $most)))))
  (func $place (result i32) (call $held (i32.const 0x3ffff)))
  (func $length (result i32) (call $held (i32.const 0x3ff)))
  (func $side (result i32) (call $held (i32.const 31)))
  (func $double (result f64)
    (f64.load (global.get $at))
    (global.set $at (i32.add (global.get $at) (i32.const 8))))

  ;; Writes the block to the second page.
  (func $decode (param $text i32) (param $letters i32)
    (local $to i32)
    (local.set $to (i32.const 65536))
    (global.set $end (i32.add (i32.const 65536) (i32.shr_u (local.get $letters) (i32.const 1))))
    (loop $more
      (if (i32.lt_u (local.get $to) (global.get $end)) (then
        (i32.store8 (local.get $to) (i32.or
          (i32.shl (i32.sub (i32.load8_u (local.get $text)) (i32.const 97)) (i32.const 4))
          (i32.sub (i32.load8_u offset=1 (local.get $text)) (i32.const 97))))
        (local.set $text (i32.add (local.get $text) (i32.const 2)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $more)))))

  (func $sum_memory
    (local $at i32) (local $sum i64) (local $letters i32)
    (loop $more
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.load (local.get $at))))
      (br_if $more (i32.lt_u
        (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.mul (memory.size) (i32.const 65536)))))
    (loop $more
      (i32.store8 offset=256 (local.get $letters)
        (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (local.get $sum) (i64.const 15)))))
      (local.set $sum (i64.shr_u (local.get $sum) (i64.const 4)))
      (br_if $more (i32.lt_u
        (local.tee $letters (i32.add (local.get $letters) (i32.const 1))) (i32.const 16))))
    (call $log (i32.const 1) (i32.const 256) (i32.const 16)))

  (func $call (param $kind i32)
    (block $end (block $lies (block $seeds (block $settings (block $budgets (block $logs (block $steps
      (block $offers
        (br_table $offers $steps $logs $budgets $settings $seeds $lies $end (local.get $kind)))
      (return (call $offer (call $word) (call $side) (call $side) (call $place) (call $length) (call $double)
        (call $place) (call $length) (call $place))))
      (return (call $step (call $place) (call $length) (call $place) (call $length) (call $word))))
      (return (call $log (call $word) (call $place) (call $length))))
      (return (call $budget (call $place))))
      (return (call $setting (call $place) (call $length) (call $place))))
      (drop (call $seed)) (return))
      (global.set $lie (call $word)) (return)))

  (func (export "solve") (param i32 i32 i32 i32 i32 i32) (result i32)
    (local $kind i32)
    ;; One good answer before anything else: it is kept whatever comes after it.
    (call $offer (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 16) (i32.const 1) (f64.const 0.5)
      (i32.const 0) (i32.const 0) (i32.const 32))
    (call $setting (i32.const 160) (i32.const 5) (i32.const 32))
    (if (i32.eqz (i32.load8_u (i32.const 32))) (then (call $sum_memory) (return (i32.const 16))))
    (call $decode (i32.load offset=4 (i32.const 32)) (i32.load offset=8 (i32.const 32)))
    (loop $more
      (if (i32.lt_u (global.get $at) (global.get $end)) (then
        (local.set $kind (i32.load8_u (global.get $at)))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (global.set $wild (i32.shr_u (local.get $kind) (i32.const 7)))
        (local.set $kind (i32.and (local.get $kind) (i32.const 7)))
        (if (i32.eq (local.get $kind) (i32.const 7)) (then (return (call $place))))
        (call $call (local.get $kind))
        (br $more))))
    (i32.const 16))
  (data (i32.const 160) "block"))

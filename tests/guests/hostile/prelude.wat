;; The component that a hostile guest is put into: the glue of the contract, so that a guest states its attack alone.
;;
;; A line `;;; NAME` takes the guest's section of that name (what stands above its first such line is `guest`).
;; A block from `;; unless TEXT` to `;; end` is left out where the guest has TEXT. NAME and NAME_BYTES are the case's.
;;
;; Memory of a guest, 64 KiB: 16 what `solve` returns, 32 what host calls return, 96 its description, 1024 to 4096
;; the guest's own, then what the host hands over; from 32768 on the host's later words go round.
(component
  (import "stratagem:strategy/run@0.1.0" (instance $run
    (type $g (record (field "width" u32) (field "height" u32) (field "cells" (list u8))))
    (export "grid" (type $grid (eq $g)))
    (type $a (record (field "test-index" u32) (field "output" $grid) (field "confidence" f64) (field "rationale" string)))
    (export "answer" (type $answer (eq $a)))
    (type $r (variant (case "invalid" string) (case "exhausted" string) (case "unavailable" string)))
    (export "refusal" (type $refusal (eq $r)))
    (type $l (enum "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $l)))
    (type $w (record (field "fuel" u64) (field "memory-bytes" u64) (field "answers" u32)))
    (export "allowance" (type $allowance (eq $w)))
    ;;; run
    ;; unless (export "seed"
    (export "seed" (func (result u64)))
    ;; end
    (export "offer" (func (param "answer" $answer) (result (result (error $refusal)))))
    (export "step" (func (param "action" string) (param "detail" string) (param "success" bool)))
    (export "log" (func (param "level" $level) (param "message" string)))
    (export "budget" (func (result $allowance)))
    (export "setting" (func (param "key" string) (result (option string))))))

  ;; Memory and allocator lie apart, since what is lowered needs them before the guest is there.
  (core module $Glue
    ;;; glue
    ;; unless (memory $memory
    (memory $memory (export "memory") 1)
    ;; end
    (global $free (mut i32) (i32.const 4096))
    ;; unless (func $realloc
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (if (i32.gt_u (i32.add (local.get $at) (local.get 3)) (i32.const 65536))
        (then (local.set $at (i32.const 32768))))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    ;; end
  )
  (core instance $glue (instantiate $Glue))
  (core func $offer (canon lower (func $run "offer")
    ;;; encoding
    (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
  (core func $step (canon lower (func $run "step")
    ;;; encoding
    (memory (core memory $glue "memory"))))
  (core func $log (canon lower (func $run "log")
    ;;; encoding
    (memory (core memory $glue "memory"))))
  (core func $budget (canon lower (func $run "budget") (memory (core memory $glue "memory"))))
  (core func $seed (canon lower (func $run "seed")))
  (core func $setting (canon lower (func $run "setting")
    ;;; encoding
    (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
  ;;; component
  (core instance $host
    ;;; host
    (export "offer" (func $offer)) (export "step" (func $step)) (export "log" (func $log))
    (export "budget" (func $budget)) (export "seed" (func $seed)) (export "setting" (func $setting)))

  (core module $Guest
    (import "glue" "memory" (memory $memory 0))
    (import "host" "offer" (func $offer (param i32 i32 i32 i32 i32 f64 i32 i32 i32)))
    (import "host" "step" (func $step (param i32 i32 i32 i32 i32)))
    (import "host" "log" (func $log (param i32 i32 i32)))
    (import "host" "budget" (func $budget (param i32)))
    (import "host" "seed" (func $seed (result i64)))
    (import "host" "setting" (func $setting (param i32 i32 i32)))
    ;;; guest
    (global $test (mut i32) (i32.const 0))
    ;; Offers the first test input as its own output, which is right.
    (func $offer-input
      (call $offer-as (f64.const 0.5) (i32.const 0) (i32.const 0)))
    (func $offer-as (param $confidence f64) (param $words i32) (param $bytes i32)
      (call $offer (i32.const 0)
        (i32.load (global.get $test)) (i32.load offset=4 (global.get $test))
        (i32.load offset=8 (global.get $test)) (i32.load offset=12 (global.get $test))
        (local.get $confidence) (local.get $words) (local.get $bytes) (i32.const 32)))
    ;; unless (func $describe
    (data (i32.const 128) "NAME")
    (data (i32.const 224) "0.1.0hostile")
    (func $describe (export "describe") (result i32)
      (i32.store (i32.const 96) (i32.const 128)) (i32.store (i32.const 100) (i32.const NAME_BYTES))
      (i32.store (i32.const 104) (i32.const 224)) (i32.store (i32.const 108) (i32.const 5))
      (i32.store (i32.const 112) (i32.const 229)) (i32.store (i32.const 116) (i32.const 7))
      (i32.const 96))
    ;; end
    ;; unless (func $solve
    (func $solve (export "solve") (param i32 i32 i32 i32 i32 i32) (result i32)
      (global.set $test (local.get 4))
      (call $offer-input)
      (call $attack)
      (i32.const 16))
    ;; end
    ;; unless (func $learn
    (func $learn (export "learn") (param i32 i32) (result i32) (i32.const 16))
    ;; end
    ;; unless (func $attack
    (func $attack)
    ;; end
  )
  (core instance $guest (instantiate $Guest (with "glue" (instance $glue)) (with "host" (instance $host))))

  (type $description (record (field "name" string) (field "version" string) (field "kind" string) (field "summary" string)))
  (type $a-grid (record (field "width" u32) (field "height" u32) (field "cells" (list u8))))
  (type $pair (record (field "input" $a-grid) (field "output" $a-grid)))
  (type $task (record (field "id" string) (field "train" (list $pair)) (field "test" (list $a-grid))))
  (type $lesson (record (field "task" $task) (field "outputs" (list $a-grid)) (field "rationale" string)))
  (func $describe (result $description)
    (canon lift (core func $guest "describe")
      ;;; encoding
      (memory (core memory $glue "memory"))))
  (func $solve (param "task" $task) (result (result (error string)))
    (canon lift (core func $guest "solve")
      ;;; encoding
      ;;; lift
      (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
  (func $learn (param "lessons" (list $lesson)) (result (result (error string)))
    (canon lift (core func $guest "learn")
      ;;; encoding
      (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
  (instance $strategy
    (export "description" (type $description))
    (export "grid" (type $a-grid)) (export "pair" (type $pair)) (export "task" (type $task)) (export "lesson" (type $lesson))
    (export "describe" (func $describe)) (export "solve" (func $solve)) (export "learn" (func $learn)))
  (export "stratagem:strategy/strategy@0.1.0" (instance $strategy)))

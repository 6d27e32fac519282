;; A strategy for the contract 0.1.0 whose `solve` is that of the module in the place of the mark below, its second one.
;; Memory, realloc, `describe` and `learn` are the frame's own, so that the module may do what it likes.
(component
  (import "stratagem:strategy/run@0.1.0" (instance $run
    (type $grid-def (record (field "width" u32) (field "height" u32) (field "cells" (list u8))))
    (export "grid" (type $grid (eq $grid-def)))
    (type $answer-def (record
      (field "test-index" u32) (field "output" $grid) (field "confidence" f64) (field "rationale" string)))
    (export "answer" (type $answer (eq $answer-def)))
    (type $refusal-def (variant (case "invalid" string) (case "exhausted" string) (case "unavailable" string)))
    (export "refusal" (type $refusal (eq $refusal-def)))
    (type $level-def (enum "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level-def)))
    (type $allowance-def (record (field "fuel" u64) (field "memory-bytes" u64) (field "answers" u32)))
    (export "allowance" (type $allowance (eq $allowance-def)))
    (export "offer" (func (param "answer" $answer) (result (result (error $refusal)))))
    (export "step" (func (param "action" string) (param "detail" string) (param "success" bool)))
    (export "log" (func (param "level" $level) (param "message" string)))
    (export "budget" (func (result $allowance)))
    (export "seed" (func (result u64)))
    (export "setting" (func (param "key" string) (result (option string))))))

  ;; Four pages: the frame's words in the first, the module's own in the second, the host's in the last two.
  (core module $base
    (memory (export "memory") 4)
    (global $next (mut i32) (i32.const 131072))
    ;; What `realloc` answers next, where it is not 0: a plugin may lie here too.
    (global $lie (export "lie") (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $bytes i32) (result i32)
      (local $at i32)
      (if (global.get $lie) (then
        (local.set $at (global.get $lie))
        (global.set $lie (i32.const 0))
        (return (local.get $at))))
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (if (i32.gt_u (i32.add (local.get $at) (local.get $bytes)) (i32.const 262144))
        (then (local.set $at (i32.const 131072))))
      (global.set $next (i32.add (local.get $at) (local.get $bytes)))
      (local.get $at))
    (func (export "describe") (result i32) (i32.const 64))
    (func (export "learn") (param i32 i32) (result i32) (i32.const 16))
    (data (i32.const 64) "\80\00\00\00\04\00\00\00\90\00\00\00\05\00\00\00\80\00\00\00\04\00\00\00\80\00\00\00\00\00\00\00")
    (data (i32.const 128) "fuzz")
    (data (i32.const 144) "0.1.0"))
  (core instance $base (instantiate $base))
  (alias core export $base "memory" (core memory $memory))
  (alias core export $base "realloc" (core func $realloc))
  (core func $offer (canon lower (func $run "offer") (memory $memory) (realloc $realloc)))
  (core func $step (canon lower (func $run "step") (memory $memory) (realloc $realloc)))
  (core func $log (canon lower (func $run "log") (memory $memory) (realloc $realloc)))
  (core func $budget (canon lower (func $run "budget") (memory $memory) (realloc $realloc)))
  (core func $seed (canon lower (func $run "seed")))
  (core func $setting (canon lower (func $run "setting") (memory $memory) (realloc $realloc)))

  ;; MODULE

  (core instance $work (instantiate 1
    (with "base" (instance $base))
    (with "run" (instance
      (export "offer" (func $offer)) (export "step" (func $step)) (export "log" (func $log))
      (export "budget" (func $budget)) (export "seed" (func $seed)) (export "setting" (func $setting))))))

  (type $grid (record (field "width" u32) (field "height" u32) (field "cells" (list u8))))
  (type $pair (record (field "input" $grid) (field "output" $grid)))
  (type $task (record (field "id" string) (field "train" (list $pair)) (field "test" (list $grid))))
  (type $lesson (record (field "task" $task) (field "outputs" (list $grid)) (field "rationale" string)))
  (type $description (record
    (field "name" string) (field "version" string) (field "kind" string) (field "summary" string)))
  (func $describe (result $description)
    (canon lift (core func $base "describe") (memory $memory)))
  (func $solve (param "task" $task) (result (result (error string)))
    (canon lift (core func $work "solve") (memory $memory) (realloc $realloc)))
  (func $learn (param "lessons" (list $lesson)) (result (result (error string)))
    (canon lift (core func $base "learn") (memory $memory) (realloc $realloc)))

  ;; The exported instance names its types, which only an inner component can say of functions that are there.
  (component $named
    (type $grid-def (record (field "width" u32) (field "height" u32) (field "cells" (list u8))))
    (import "grid" (type $grid (eq $grid-def)))
    (type $pair-def (record (field "input" $grid) (field "output" $grid)))
    (import "pair" (type $pair (eq $pair-def)))
    (type $task-def (record (field "id" string) (field "train" (list $pair)) (field "test" (list $grid))))
    (import "task" (type $task (eq $task-def)))
    (type $lesson-def (record (field "task" $task) (field "outputs" (list $grid)) (field "rationale" string)))
    (import "lesson" (type $lesson (eq $lesson-def)))
    (type $description-def (record
      (field "name" string) (field "version" string) (field "kind" string) (field "summary" string)))
    (import "description" (type $description (eq $description-def)))
    (import "describe" (func $describe (result $description)))
    (import "solve" (func $solve (param "task" $task) (result (result (error string)))))
    (import "learn" (func $learn (param "lessons" (list $lesson)) (result (result (error string)))))
    (export $grid-out "grid" (type $grid))
    (type $pair-out-def (record (field "input" $grid-out) (field "output" $grid-out)))
    (export $pair-out "pair" (type $pair-out-def))
    (type $task-out-def (record
      (field "id" string) (field "train" (list $pair-out)) (field "test" (list $grid-out))))
    (export $task-out "task" (type $task-out-def))
    (type $lesson-out-def (record
      (field "task" $task-out) (field "outputs" (list $grid-out)) (field "rationale" string)))
    (export $lesson-out "lesson" (type $lesson-out-def))
    (export $description-out "description" (type $description))
    (export "describe" (func $describe) (func (result $description-out)))
    (export "solve" (func $solve) (func (param "task" $task-out) (result (result (error string)))))
    (export "learn" (func $learn) (func (param "lessons" (list $lesson-out)) (result (result (error string))))))
  (instance $strategy (instantiate $named
    (with "grid" (type $grid)) (with "pair" (type $pair)) (with "task" (type $task))
    (with "lesson" (type $lesson)) (with "description" (type $description))
    (with "describe" (func $describe)) (with "solve" (func $solve)) (with "learn" (func $learn))))
  (export "stratagem:strategy/strategy@0.1.0" (instance $strategy)))

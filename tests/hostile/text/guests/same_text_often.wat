;; Has 1,000 action types, each of which has the same megabyte for a title: a gigabyte, if somebody copied it.
(module
  (memory (export "memory") 40)
  (func $fill (local $at i32)
    (local.set $at (i32.const 65536))
    (loop $next
      (i32.store offset=8 (local.get $at) (i32.const 1048576))
      (i32.store offset=12 (local.get $at) (i32.const 1048576))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 97536)))))
  (start $fill)
  (data (i32.const 1024) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\e8\03\00\00"))

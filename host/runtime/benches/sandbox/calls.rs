//! What crosses a host call: a grid flat and in place against a list of lists, and a plugin that makes the host
//! lift far more than it holds.
//!
//! Host functions of their own, on wasmtime itself: the contract has no function that lifts a list of lists.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stratagem_domain::Limits;
use wasmtime::component::{Component, Linker, WasmList};
use wasmtime::{Config, Engine, Store, StoreContextMut};

use crate::table::{Table, Turns, cpu, us};

const TURNS: usize = 21;
const CALLS: u32 = 2_000;
/// What the amplifier's memory holds: lists that all point at one list of strings, each empty.
const OUTER: usize = 4_900;
const INNER: usize = 4_900;

pub fn measure(table: &mut Table) {
    let mut config = Config::new();
    config.concurrency_support(false);
    let engine = Engine::new(&config).expect("an engine");
    grids(table, &engine);
    amplifier(table, &engine);
}

fn grids(table: &mut Table, engine: &Engine) {
    let rows: String = (0..30).map(|row| words(&[64 + row * 30, 30])).collect();
    let guest = format!(
        r#"(component
          (import "flat" (func $flat (param "width" u32) (param "height" u32) (param "cells" (list u8))))
          (import "nested" (func $nested (param "rows" (list (list u8)))))
          (core module $memory (memory (export "memory") 1) (data (i32.const 2048) "{rows}"))
          (core instance $memory (instantiate $memory))
          (core func $flat (canon lower (func $flat) (memory (core memory $memory "memory"))))
          (core func $nested (canon lower (func $nested) (memory (core memory $memory "memory"))))
          (core module $m
            (import "" "flat" (func $flat (param i32 i32 i32 i32)))
            (import "" "nested" (func $nested (param i32 i32)))
            (func (export "flat") (param i32)
              (loop
                (call $flat (i32.const 30) (i32.const 30) (i32.const 64) (i32.const 900))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
            (func (export "nested") (param i32)
              (loop
                (call $nested (i32.const 2048) (i32.const 30))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
          (core instance $i (instantiate $m
            (with "" (instance (export "flat" (func $flat)) (export "nested" (func $nested))))))
          (func (export "flat-calls") (param "times" u32) (canon lift (core func $i "flat")))
          (func (export "nested-calls") (param "times" u32) (canon lift (core func $i "nested"))))"#
    );
    let component = Component::new(engine, wat::parse_str(guest).expect("text")).expect("the guest compiles");
    let mut linker: Linker<u8> = Linker::new(engine);
    let mut root = linker.root();
    let flat = |mut store: StoreContextMut<'_, u8>, (_, _, cells): (u32, u32, WasmList<u8>)| {
        let seen = cells.as_le_slice(&store).iter().fold(0, |seen, cell| seen | cell);
        *store.data_mut() |= seen;
        Ok(())
    };
    let nested = |mut store: StoreContextMut<'_, u8>, (rows,): (Vec<Vec<u8>>,)| {
        let row = |row: &Vec<u8>| row.iter().fold(0, |seen, cell| seen | cell);
        *store.data_mut() |= rows.iter().map(row).fold(0, |seen, cell| seen | cell);
        Ok(())
    };
    root.func_wrap("flat", flat).and_then(|()| root.func_wrap("nested", nested)).expect("linked");
    let mut store = Store::new(engine, 0);
    let instance = linker.instantiate(&mut store, &component).expect("an instance");
    let mut call = |name: &str| {
        let function = instance.get_typed_func::<(u32,), ()>(&mut store, name).expect("a function");
        cpu(|| function.call(&mut store, (CALLS,)).expect("it returns")) / CALLS
    };
    let turns = Turns::take(TURNS, || [call("flat-calls"), call("nested-calls")]);
    let [flat, nested] = turns.medians();
    table.figure("a 30×30 grid handed over: flat, as list of lists", format!("{}, {}", us(flat), us(nested)));
    table.ratio("a grid, flat and in place : list of lists", turns.ratio(0, 1), 0.12);
}

fn amplifier(table: &mut Table, engine: &Engine) {
    let inner = 1024_usize;
    let outer = inner + INNER * 8;
    let aliases = words(&[inner, INNER]).repeat(OUTER);
    let guest = format!(
        r#"(component
          (import "take" (func $take (param "lists" (list (list string)))))
          (core module $memory (memory (export "memory") 2) (data (i32.const {outer}) "{aliases}"))
          (core instance $memory (instantiate $memory))
          (core func $take (canon lower (func $take) (memory (core memory $memory "memory"))))
          (core module $m
            (import "" "take" (func $take (param i32 i32)))
            (func (export "go") (call $take (i32.const {outer}) (i32.const {OUTER}))))
          (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
          (func (export "go") (canon lift (core func $i "go"))))"#
    );
    let component = Component::new(engine, wat::parse_str(guest).expect("text")).expect("the guest compiles");
    let mut linker: Linker<()> = Linker::new(engine);
    let take = |_: StoreContextMut<'_, ()>, (lists,): (Vec<Vec<String>>,)| {
        std::hint::black_box(lists.len());
        Ok(())
    };
    linker.root().func_wrap("take", take).expect("linked");
    let cap = usize::try_from(Limits::default().lifted_bytes_call).expect("a cap");
    // The call is cut short either way: what it costs until then is what counts.
    let call = |cap: Option<usize>| -> (Duration, usize) {
        let mut store = Store::new(engine, ());
        if let Some(cap) = cap {
            store.set_hostcall_fuel(cap);
        }
        let instance = linker.instantiate(&mut store, &component).expect("an instance");
        let function = instance.get_typed_func::<(), ()>(&mut store, "go").expect("a function");
        let before = ALLOCATED.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let time = cpu(|| assert!(function.call(&mut store, ()).is_err(), "the call is refused"));
        (time, PEAK.load(Ordering::Relaxed) - before)
    };
    let turns = Turns::take(9, || [call(Some(cap)).0, call(None).0]);
    let [capped, default] = turns.medians();
    let (held, free) = (call(Some(cap)).1, call(None).1);
    let mib = |bytes: usize| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    table.figure(
        "79 KiB of aliased lists: memory, ours and wasmtime's",
        format!("{}, {}", mib(held), mib(free)),
    );
    table.figure(
        "79 KiB of aliased lists: CPU, ours and wasmtime's",
        format!("{}, {}", us(capped), us(default)),
    );
    table.ratio("aliased lists, memory : the cap", held as f64 / cap as f64, 2.0);
    table.ratio("aliased lists, CPU, ours : wasmtime's default", turns.ratio(0, 1), 1.0 / 500.0);
}

/// 32-bit words as WebAssembly text has them in a data segment.
fn words(words: &[usize]) -> String {
    let mut text = String::new();
    for byte in words.iter().flat_map(|&word| (word as u32).to_le_bytes()) {
        text += &format!("\\{byte:02x}");
    }
    text
}

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted: what a call makes the host hold is read off it.
struct Counted;

// SAFETY: every call goes to the system's allocator as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

//! The guests' allocator: a search makes and drops many small grids, and in the sandbox every step of finding a
//! place for one is metered.
//!
//! Sizes are rounded up to classes; a block that is given back waits in its class's list for the next of its size,
//! and what no list has is cut off fresh memory. So taking and giving are a few instructions each. Blocks are never
//! joined, and only large ones are cut up again: what growing vectors leave behind is enough to keep the rest small.

// An allocator is what hands out raw memory; every block of `unsafe` says why it may.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;

/// Every block starts and ends at a multiple of this.
const GRAIN: usize = 16;
/// Up to here there is a class for every multiple of the grain; beyond, four for each doubling.
const FINE: usize = 1024;
/// Classes up to `FINE`, and one for nothing, so that a class is its size in grains.
const FINE_CLASSES: usize = FINE / GRAIN + 1;
/// Enough for sizes up to two GiB, more than a layout on wasm32 can have.
const CLASSES: usize = FINE_CLASSES + 4 * 21;
/// What is asked for at a time when memory runs out.
const STEP: usize = 128 << 10;
/// Waiting blocks from this class on are cut up again before more memory is asked for.
const LARGE: usize = class_of(8 << 10);

/// The class of a size in bytes.
#[inline]
const fn class_of(size: usize) -> usize {
    if size <= FINE {
        size.div_ceil(GRAIN)
    } else {
        let last = size - 1;
        let doubling = last.ilog2();
        FINE_CLASSES + 4 * (doubling - FINE.ilog2()) as usize + (last >> (doubling - 2) & 3)
    }
}

/// The largest size of a class, in bytes.
const fn size_of(class: usize) -> usize {
    if class < FINE_CLASSES {
        class * GRAIN
    } else {
        let coarse = class - FINE_CLASSES;
        (5 + coarse % 4) << (FINE.ilog2() as usize - 2 + coarse / 4)
    }
}

/// A block that waits in a list; its first bytes say which is next.
struct Waiting {
    next: *mut Waiting,
}

/// Lists of what was given back, and fresh memory to cut more off.
struct Blocks {
    waiting: [*mut Waiting; CLASSES],
    /// The start of the fresh memory, a multiple of the grain, and its length.
    fresh: *mut u8,
    left: usize,
    /// Where more fresh memory comes from: at least so many bytes, and how many there are; none where there is no more.
    more: fn(usize) -> Option<(*mut u8, usize)>,
}

impl Blocks {
    const fn new(more: fn(usize) -> Option<(*mut u8, usize)>) -> Self {
        Self { waiting: [ptr::null_mut(); CLASSES], fresh: ptr::null_mut(), left: 0, more }
    }

    /// A block for `layout`, or null where memory is used up.
    #[inline]
    fn take(&mut self, layout: Layout) -> *mut u8 {
        let class = class_of(layout.size());
        let block = self.waiting[class];
        if block.is_null() || layout.align() > GRAIN {
            return self.cut(class, layout.align());
        }
        // SAFETY: `give` wrote it, and nobody has had the block since.
        self.waiting[class] = unsafe { (*block).next };
        block.cast()
    }

    /// Takes back a block of a class.
    ///
    /// *Safety:* nobody uses it any more, and it has the size of the class at least.
    #[inline]
    unsafe fn give(&mut self, block: *mut u8, class: usize) {
        let block: *mut Waiting = block.cast();
        // SAFETY: the caller is done with it, and a block has room and alignment for a pointer.
        unsafe { block.write(Waiting { next: self.waiting[class] }) };
        self.waiting[class] = block;
    }

    /// A new block of a class, cut off the fresh memory.
    #[cold]
    #[inline(never)]
    fn cut(&mut self, class: usize, align: usize) -> *mut u8 {
        let size = size_of(class);
        // What is skipped for an alignment beyond the grain is lost; hardly anything asks for one.
        let skip = |fresh: *mut u8| fresh.addr().wrapping_neg() & (align - 1);
        if self.left < skip(self.fresh) + size && !self.refill(size + align) {
            return ptr::null_mut();
        }
        let skipped = skip(self.fresh);
        let block = self.fresh.wrapping_add(skipped);
        self.fresh = block.wrapping_add(size);
        self.left -= skipped + size;
        block
    }

    /// Finds fresh memory of that size, in the largest block that waits or beyond all blocks.
    fn refill(&mut self, size: usize) -> bool {
        let large = (LARGE.max(class_of(size))..CLASSES).rev().find(|&class| !self.waiting[class].is_null());
        let (start, length) = if let Some(class) = large {
            let block = self.waiting[class];
            // SAFETY: `give` wrote it, and nobody has had the block since.
            self.waiting[class] = unsafe { (*block).next };
            (block.cast(), size_of(class))
        } else {
            let Some(more) = (self.more)(size.max(STEP)) else { return false };
            more
        };
        if start == self.fresh.wrapping_add(self.left) {
            self.left += length;
            return true;
        }
        if self.left >= GRAIN {
            // SAFETY: nobody has had the rest, and the class is the last of no more than its size.
            unsafe { self.give(self.fresh, class_of(self.left + 1) - 1) };
        }
        (self.fresh, self.left) = (start, length);
        true
    }
}

/// The allocator of a program that has one thread.
pub struct Allocator(UnsafeCell<Blocks>);

// SAFETY: components have one thread, and this is only made for them.
unsafe impl Sync for Allocator {}

// SAFETY: blocks are as large as their class, which is no smaller than what is asked for, and lie apart.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and nothing in `take` allocates.
        unsafe { (*self.0.get()).take(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: one thread, and the caller promises what `give` asks for.
        unsafe { (*self.0.get()).give(block, class_of(layout.size())) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if class_of(size) == class_of(layout.size()) {
            return block;
        }
        // SAFETY: the caller promises that the size is valid for the alignment; the blocks lie apart, and as many
        // bytes are copied as both have.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(Blocks::new(grow)));

/// Grows the program's memory.
#[cfg(target_arch = "wasm32")]
fn grow(bytes: usize) -> Option<(*mut u8, usize)> {
    const PAGE: usize = 64 << 10;
    let pages = bytes.div_ceil(PAGE);
    let before = core::arch::wasm32::memory_grow(0, pages);
    (before != usize::MAX).then(|| (ptr::with_exposed_provenance_mut(before * PAGE), pages * PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fresh memory out of a vector that stays.
    #[allow(clippy::unnecessary_wraps)]
    fn lent(bytes: usize) -> Option<(*mut u8, usize)> {
        let memory: &'static mut [u128] = Box::leak(vec![0; bytes.div_ceil(GRAIN)].into_boxed_slice());
        Some((memory.as_mut_ptr().cast(), size_of_val(memory)))
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).expect("a layout")
    }

    #[test]
    fn a_class_is_the_smallest_that_has_room() {
        let sizes = (1..5000).chain([1 << 20, (1 << 20) + 1, 3 << 20, (1 << 31) - 1]);
        for size in sizes {
            let class = class_of(size);
            assert!(size_of(class) >= size && size_of(class - 1) < size, "{size} in class {class}");
            assert!(class < CLASSES && size_of(class).is_multiple_of(GRAIN));
            assert!(size <= FINE || size_of(class) - size <= size / 4, "{size} wastes too much");
        }
    }

    #[test]
    fn what_is_given_back_is_taken_again() {
        let mut blocks = Blocks::new(lent);
        let (a, b) = (blocks.take(layout(40)), blocks.take(layout(48)));
        assert_eq!(b.addr() - a.addr(), 48);
        unsafe {
            blocks.give(a, class_of(40));
            blocks.give(b, class_of(48));
        }
        assert_eq!([blocks.take(layout(33)), blocks.take(layout(48))], [b, a]);
        assert_ne!(blocks.take(layout(48)), a);
    }

    #[test]
    fn large_blocks_are_cut_up_again() {
        let mut blocks = Blocks::new(lent);
        let large = blocks.take(layout(STEP));
        unsafe { blocks.give(large, class_of(STEP)) };
        assert_eq!([blocks.take(layout(64)), blocks.take(layout(64))], [large, large.wrapping_add(64)]);
    }

    #[test]
    fn blocks_keep_what_is_written_to_them() {
        let allocator = Allocator(UnsafeCell::new(Blocks::new(lent)));
        let mut held: Vec<(*mut u8, usize, u8)> = Vec::new();
        let mut dice = 1u64;
        for round in 0..20_000u32 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (size, mark) = ((dice >> 33) as usize % 3000 + 1, round as u8);
            let at = (dice >> 40) as usize % 200;
            unsafe {
                if let Some((block, had, mark)) = held.get_mut(at) {
                    let moved = allocator.realloc(*block, layout(*had), size);
                    let kept = std::slice::from_raw_parts(moved, size.min(*had));
                    assert!(kept.iter().all(|b| b == mark));
                    allocator.dealloc(moved, layout(size));
                    held.swap_remove(at);
                }
                let block = allocator.alloc(layout(size));
                block.write_bytes(mark, size);
                held.push((block, size, mark));
            }
        }
    }

    #[test]
    fn wide_alignments_are_kept_and_no_memory_is_null() {
        let mut blocks = Blocks::new(lent);
        blocks.take(layout(16));
        let wide = blocks.take(Layout::from_size_align(100, 4096).expect("a layout"));
        assert!(wide.addr().is_multiple_of(4096));
        assert!(Blocks::new(|_| None).take(layout(1)).is_null());
    }
}

//! An allocator that counts what is in use, and knows of every block how it was asked for.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::sync::atomic::{AtomicUsize, Ordering};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static WRONG: AtomicUsize = AtomicUsize::new(0);

/// The bytes in use.
pub fn live() -> usize {
    LIVE.load(Ordering::SeqCst)
}

/// How many blocks were freed with another layout than they were allocated with.
pub fn wrong_frees() -> usize {
    WRONG.load(Ordering::SeqCst)
}

struct Checked;

#[global_allocator]
static ALLOCATOR: Checked = Checked;

/// The block with its own layout in front, and where the caller's part begins.
fn with_note(layout: Layout) -> (Layout, usize) {
    let align = layout.align().max(align_of::<Layout>());
    let at = size_of::<Layout>().next_multiple_of(align);
    let whole = Layout::from_size_align(at.saturating_add(layout.size()), align);
    (whole.unwrap_or_else(|_| handle_alloc_error(layout)), at)
}

// SAFETY: every block comes from the system's allocator, with room for the note in front, and goes back to it with the layout of
// the note.
unsafe impl GlobalAlloc for Checked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (whole, at) = with_note(layout);
        // SAFETY: the layout is not empty, it has room for the note.
        let block = unsafe { System.alloc(whole) };
        if block.is_null() {
            return block;
        }
        LIVE.fetch_add(layout.size(), Ordering::SeqCst);
        // SAFETY: `at` lies behind a note's length within the block and is aligned for a note.
        unsafe {
            let own = block.add(at);
            own.cast::<Layout>().sub(1).write(layout);
            own
        }
    }

    unsafe fn dealloc(&self, own: *mut u8, layout: Layout) {
        // SAFETY: `alloc` wrote the note in front of what it gave out.
        let known = unsafe { own.cast::<Layout>().sub(1).read() };
        if known != layout {
            WRONG.fetch_add(1, Ordering::SeqCst);
        }
        LIVE.fetch_sub(known.size(), Ordering::SeqCst);
        let (whole, at) = with_note(known);
        // SAFETY: the block began `at` bytes before, with this layout.
        unsafe { System.dealloc(own.sub(at), whole) };
    }
}

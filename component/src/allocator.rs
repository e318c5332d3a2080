//! The component's heap: first the memory that every instance begins with, and only when that is used up more of it.
//!
//! A host makes a fresh instance for each call and keeps the first pages of its memory mapped between calls. The standard
//! library's allocator asks for further pages at once, whatever the memory begins with; each time the host has to change
//! what the pages may be used for, and they are faulted in again. A call that finds its room in the pages that are there
//! pays for neither (`docs/performance.md`). How large the memory is at first, the linker is told in `.cargo/config.toml`.
//!
//! The only code of this project that is not safe Rust. What it could break is this component in its sandbox.

use core::alloc::Layout;
use core::arch::wasm32::{memory_grow, memory_size};
use core::ptr::NonNull;
use talc::base::{Talc, binning::Binning};
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

#[global_allocator]
static HEAP: TalcSyncCell<Pages, WasmBinning> = TalcSyncCell::new_wasm(Pages { end: None });

/// Size of a page of WebAssembly's memory, in bytes.
const PAGE: usize = 64 * 1024;

/// What an allocation may need beyond its own size: the heads of its block and of a new heap.
const OVERHEAD: usize = 256;

unsafe extern "C" {
    /// Where the linker's own data ends.
    static __heap_base: u8;
}

/// Where the heap gets its memory from.
#[derive(Debug)]
struct Pages {
    /// Where the heap ends, once it has begun.
    end: Option<NonNull<u8>>,
}

// SAFETY: nothing in here allocates.
unsafe impl Source for Pages {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let Some(end) = talc.source.end else {
            return begin(talc);
        };
        let pages = (layout.size() + layout.align() + OVERHEAD).div_ceil(PAGE);
        let before = memory_grow::<0>(pages);
        if before == usize::MAX {
            return Err(());
        }
        let new_end = ((before + pages) * PAGE) as *mut u8;
        // SAFETY: the heap reached to the end of the memory, since nobody else makes it grow, and the new pages follow.
        talc.source.end = Some(unsafe { talc.extend(end, new_end) });
        Ok(())
    }
}

/// Takes what is behind the linker's data.
fn begin<B: Binning>(talc: &mut Talc<Pages, B>) -> Result<(), ()> {
    let base = (&raw const __heap_base).cast_mut();
    let size = (memory_size::<0>() * PAGE).saturating_sub(base as usize);
    // SAFETY: nothing else is there: stack and data are before it.
    let claimed = unsafe { talc.claim(base, size) };
    if claimed.is_none() {
        // Too little to be a heap. The next try gets pages of its own.
        let page = memory_grow::<0>(1);
        if page == usize::MAX {
            return Err(());
        }
        // SAFETY: the page is new.
        talc.source.end = unsafe { talc.claim((page * PAGE) as *mut u8, PAGE) };
        return talc.source.end.map(drop).ok_or(());
    }
    talc.source.end = claimed;
    Ok(())
}

//! The thread that makes running guests look up, and what tells it whether there are any.
//!
//! A guest that spins is interrupted at a tick of the engine's epoch. Ticks are close together while a guest is on a CPU,
//! and there are none while all of them wait or nothing is called: a machine that has nothing to do is not woken for it.
//!
//! | what the thread sees | what it does |
//! |---|---|
//! | a guest on a CPU | ticks, and looks again after [`SLICE`] |
//! | none at the moment | looks again after [`GLANCE`] |
//! | none for [`QUIET`] | sleeps until the next guest wakes it |
//!
//! Guests pay for this with two additions to a counter of their own thread at each poll; a system call only for the one
//! that comes after a quiet time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Time between two ticks, and so the longest that a guest that does not wait keeps its neighbours on the thread
/// waiting, and the most by which it exceeds its CPU budget. Measured on two busy cores (`tests/hostile/latency.rs`):
/// guests that spin are stopped 0.3 to 0.9 ms after their budget, and a neighbour's call with one request to a server
/// that answers at once takes 2.2 ms instead of 0.3 at the median, since it needs two turns. With a tenth of the ticks
/// these turns would cost ten times as much, which is as long as a server takes.
pub(super) const SLICE: Duration = Duration::from_millis(1);

/// Time between two looks while guests come and go. A guest that spins is noticed after this time at the latest; a usual
/// call, which runs for 0.1 ms at a stretch, is mostly not noticed at all.
const GLANCE: Duration = Duration::from_millis(5);

/// How long nobody has to be seen until the thread sleeps.
const QUIET: Duration = Duration::from_secs(1);

/// Counters, so that threads do not write to each other's. More threads than this share some.
const SHARDS: usize = 16;

/// How many guests are on a CPU at this moment.
#[derive(Debug)]
pub(super) struct Watch {
    running: [Shard; SHARDS],
    asleep: AtomicBool,
    ticker: std::sync::OnceLock<Thread>,
}

/// A counter on a cache line (two, where they are fetched in pairs) of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(AtomicUsize);

/// A guest is on a CPU as long as this lives.
pub(super) struct OnCpu<'w>(&'w Shard);

impl Drop for OnCpu<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Release);
    }
}

impl Watch {
    pub(super) fn new() -> Watch {
        Watch {
            running: std::array::from_fn(|_| Shard::default()),
            asleep: AtomicBool::new(false),
            ticker: std::sync::OnceLock::new(),
        }
    }

    /// A guest comes onto the CPU of this thread.
    ///
    /// The ticker cannot oversleep it. Here the counter is raised before `asleep` is read, there `asleep` is set before
    /// the counters are read, and all four are sequentially consistent: so at least one of the two sees the other.
    pub(super) fn enter(&self) -> OnCpu<'_> {
        let shard = self.shard();
        shard.0.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst)
            && self.asleep.swap(false, Ordering::SeqCst)
            && let Some(ticker) = self.ticker.get()
        {
            ticker.unpark();
        }
        OnCpu(shard)
    }

    fn shard(&self) -> &Shard {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        let [first, ..] = &self.running;
        self.running.get(MINE.with(|mine| *mine)).unwrap_or(first)
    }

    fn somebody_runs(&self) -> bool {
        let mut all = self.running.iter();
        all.any(|shard| shard.0.load(Ordering::SeqCst) > 0)
    }

    /// Sleeps until a guest comes, or for a while. True if one has come.
    fn sleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        if !self.somebody_runs() {
            std::thread::park_timeout(QUIET);
        }
        // Whoever has taken the flag down has come.
        !self.asleep.swap(false, Ordering::SeqCst) || self.somebody_runs()
    }
}

/// Starts the thread. It must not be a task of an asynchronous runtime: a guest that spins would keep that runtime
/// from ever running it. It holds the engine weakly and ends, within [`QUIET`], after it.
pub(super) fn start(engine: &wasmtime::Engine) -> std::io::Result<Arc<Watch>> {
    let engine = engine.weak();
    let watch = Arc::new(Watch::new());
    let shared = watch.clone();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            // Nobody else sets it.
            let _ = shared.ticker.set(std::thread::current());
            let mut seen = Instant::now();
            while let Some(engine) = engine.upgrade() {
                let running = shared.somebody_runs();
                if running {
                    engine.increment_epoch();
                }
                drop(engine);
                if running {
                    seen = Instant::now();
                    std::thread::sleep(SLICE);
                } else if seen.elapsed() < QUIET {
                    std::thread::sleep(GLANCE);
                } else if shared.sleep() {
                    seen = Instant::now();
                }
            }
        })?;
    Ok(watch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> wasmtime::Engine {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        wasmtime::Engine::new(&config).unwrap()
    }

    fn eventually(condition: impl Fn() -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if condition() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }

    #[test]
    fn the_ticker_sleeps_when_nobody_runs_and_the_next_guest_wakes_it() {
        let engine = engine();
        let watch = start(&engine).unwrap();
        assert!(eventually(|| watch.asleep.load(Ordering::SeqCst)));
        let on_cpu = watch.enter();
        assert!(eventually(|| !watch.asleep.load(Ordering::SeqCst)));
        assert!(watch.somebody_runs());
        drop(on_cpu);
        assert!(!watch.somebody_runs());
        assert!(eventually(|| watch.asleep.load(Ordering::SeqCst)));
    }

    #[test]
    fn guests_on_many_threads_are_all_counted() {
        let watch = Watch::new();
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    let first = watch.enter();
                    let second = watch.enter();
                    drop(first);
                    assert!(watch.somebody_runs());
                    drop(second);
                });
            }
        });
        assert!(!watch.somebody_runs());
    }
}

//! Plugins of the worst kind, in the real host. Each promise of the sandbox is attacked by a guest that does nothing
//! else, and each guest has a fate: an exact error of its call, or an exact error that it sees itself.
//!
//! The guests are on two lists: `list.rs` (written in Rust, one component) and the folder `text/guests` (in the text
//! format, where Rust is too polite). Both lists become tests here, and each test calls the function of the guest's
//! name: a new guest without one does not compile. After each attack, the same thread has to serve the attacker and its
//! neighbour as if nothing had been.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

#[macro_use]
mod list;

mod answers;
mod arena;
mod bodies;
mod cpu;
mod destinations;
mod fields;
mod latency;
mod log;
mod logging;
mod memory;
mod requests;
mod server;
mod texts;
mod updates;

#[expect(dead_code, reason = "the spellings alone are used here")]
#[path = "../support/canary.rs"]
mod canary;
#[expect(dead_code, reason = "nothing is asked for here, only sent")]
#[path = "../support/sender.rs"]
mod sender;

/// Guests run side by side, but none beside a measurement.
static MEASURING: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

macro_rules! one_test_each {
    ($($theme:ident { $($name:ident),* $(,)? })*) => {
        /// One test for each guest that is written in Rust.
        mod rust {
            $(mod $theme {
                $(#[tokio::test]
                async fn $name() {
                    let _beside_others = crate::MEASURING.read().await;
                    let arena = crate::arena::Arena::new().await;
                    crate::$theme::$name(&arena).await;
                    arena.goes_on().await;
                })*
            })*
        }
    };
}
guests!(one_test_each);

macro_rules! one_test_each_delivery {
    ($($theme:ident { $($name:ident),* $(,)? })*) => {
        /// One test for each guest that is shown in a delivery.
        mod deliveries {
            $(mod $theme {
                $(#[tokio::test]
                async fn $name() {
                    let _beside_others = crate::MEASURING.read().await;
                    let arena = crate::arena::Arena::new().await;
                    crate::$theme::$name(&arena).await;
                    arena.goes_on().await;
                })*
            })*
        }
    };
}
delivery_guests!(one_test_each_delivery);

macro_rules! one_test_each_text {
    ($($name:ident),* $(,)?) => {
        /// One test for each guest that is written in the text format.
        mod text {
            $(#[tokio::test]
            async fn $name() {
                let _beside_others = crate::MEASURING.read().await;
                crate::texts::$name(stringify!($name)).await;
            })*
        }
    };
}
hostile_text::text_guests!(one_test_each_text);

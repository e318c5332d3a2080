//! Tells the component linker to leave out its adapter for WASI 0.1: nothing here uses it, and its presence raises
//! the versions of the imports (`wasi:io@0.2.0` becomes a later one), so that older hosts could not link the component.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |variable: &str| std::env::var(variable).unwrap_or_default();
    if target("CARGO_CFG_TARGET_FAMILY") == "wasm" && target("CARGO_CFG_TARGET_OS") == "unknown" {
        println!("cargo::rustc-cdylib-link-arg=--wasi-adapter=none");
    }
}

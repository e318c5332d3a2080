//! As for the plugin: the component linker leaves out its adapter for WASI 0.1, so that the imports are the contract's.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |variable: &str| std::env::var(variable).unwrap_or_default();
    if target("CARGO_CFG_TARGET_FAMILY") == "wasm" && target("CARGO_CFG_TARGET_OS") == "unknown" {
        println!("cargo::rustc-cdylib-link-arg=--wasi-adapter=none");
    }
}

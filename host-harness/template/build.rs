//! Tells the component linker to leave out its adapter for WASI 0.1, which would import what no host of plugins has.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("TARGET").is_ok_and(|target| target == "wasm32-unknown-unknown") {
        println!("cargo::rustc-cdylib-link-arg=--wasi-adapter=none");
    }
}

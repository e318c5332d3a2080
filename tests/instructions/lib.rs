//! The hot paths, each as a function that does its work once: what `make instructions` counts.
//!
//! A count of instructions is the same on a busy machine as on an idle one, so a change that makes a path longer is seen
//! where a clock would see noise. It says nothing about page faults, system calls and what wasmtime adds; `make bench`
//! measures those. The component's paths run as native code here.

pub mod component;
pub mod host;

/// A path: its name, and what gets it ready.
pub type Path = (&'static str, fn() -> Box<dyn FnMut()>);

/// All paths.
pub const PATHS: [Path; 6] = [
    ("component: a delivery that ends a run", component::relevant),
    (
        "component: a delivery of somebody else's run",
        component::foreign,
    ),
    ("component: a dispatch, two requests", component::dispatch),
    ("host: a delivery's signature", host::signature),
    ("host: an answer searched for secrets", host::scrub),
    ("host: the decisions of a whole life", host::life),
];

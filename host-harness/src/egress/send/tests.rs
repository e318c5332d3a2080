//! Requests that leave, and what servers may do to them.

mod app;
mod credential;
mod limits;
mod room;
mod secure;
mod shown;

//! Requests that leave, and what servers may do to them.

mod credential;
mod limits;
mod room;
mod secure;

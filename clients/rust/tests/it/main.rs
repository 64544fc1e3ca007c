//! The crate through its doors, over real sockets.

#![allow(unreachable_pub)]

mod client;
mod played;
mod real;
mod scripted;
mod worker;

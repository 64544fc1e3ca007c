//! The crate through its doors, over real sockets.

#![allow(unreachable_pub)]

mod client;
mod ends;
mod handlers;
mod leases;
mod played;
mod real;
mod scripted;
mod worker;

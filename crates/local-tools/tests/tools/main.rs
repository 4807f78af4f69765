//! The local tools as people use them: the program, started over real sockets.

mod browser;
mod dev;
mod events;
mod page;
mod preview;
mod queue;
mod running;

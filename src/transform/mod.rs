//! The built-in transform.

pub mod date;
pub mod read;

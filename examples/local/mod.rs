//! What the local tools and the tests share: stand-ins for the services around the function.
//!
//! - [`customerio`]: Customer.io's Track API, with its rules and its memory;
//! - [`dodo`]: sample events, signed as Dodo signs them;
//! - [`secrets_manager`]: moto, a Secrets Manager API;
//! - [`page`]: what `make dev` shows;
//! - [`runtime_api`]: the Lambda Runtime API, and [`function_url`] before it;
//! - [`serve`]: the HTTP server under two of them;
//! - [`stack`]: all of it around the function under `cargo lambda watch`.
#![allow(dead_code, reason = "each tool and each test uses some of it")]

pub mod customerio;
pub mod dodo;
pub mod function_url;
pub mod page;
pub mod runtime_api;
pub mod secrets_manager;
pub mod serve;
pub mod stack;

//! What the local tools and the tests share: stand-ins for the services around the function.
//!
//! - [`customerio`]: Customer.io's Track API, with its rules and its memory;
//! - [`dodo`]: sample events, signed as Dodo signs them;
//! - [`dodo_api`]: Dodo's API, with a memory too; [`fault`] is how both fail;
//! - [`credentials`]: made up for one run;
//! - [`secrets_manager`]: moto, a Secrets Manager API, and [`one_secret`], a quick one that can fail;
//! - [`page`]: what `make dev` shows;
//! - [`package`]: how large a program is;
//! - [`runtime_api`]: the Lambda Runtime API, and [`function_url`] before it;
//! - [`serve`]: the HTTP server under two of them;
//! - [`interrupt`]: how a tool ends.

pub mod credentials;
pub mod customerio;
pub mod dodo;
pub mod dodo_api;
pub mod fault;
pub mod function_url;
pub mod interrupt;
pub mod one_secret;
pub mod package;
pub mod page;
pub mod runtime_api;
pub mod secrets_manager;
pub mod serve;

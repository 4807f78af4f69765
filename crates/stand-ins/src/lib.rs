//! What tests, tools and benches share: stand-ins for the services around the function, and helpers.
//!
//! - [`customerio`]: Customer.io's Track API, with its rules and its people;
//! - [`dodo`]: sample events, signed as Dodo signs them;
//! - [`dodo_api`]: Dodo's API, with its customers, payments and subscriptions; [`fault`]: how both fail;
//! - [`clock`]: real or simulated time; [`credentials`]: random ones for each run;
//! - [`leaks`]: what redaction must not let pass;
//! - [`secrets_manager`]: moto, a Secrets Manager API; [`one_secret`]: a quick one that can fail;
//! - [`journal`]: which requests a function makes for which event; [`gate`]: a service that can fail before
//!   one that cannot;
//! - [`package`]: how large a program is; [`template`]: `template.yaml` as SAM expands it;
//! - [`runtime_api`]: the Lambda Runtime API, and a [`function_url`] in front of it; [`front`]: one that
//!   leads to one process after the other;
//! - [`sqs`]: queues, quick and in any time, that can fail; [`poller`]: Lambda's between a queue and a function;
//! - [`serve`]: the HTTP server under them;
//! - [`proc`]: what a process uses; [`cpu_share`]: as little CPU as a small function has;
//! - [`project`]: where the project's files and its Python are;
//! - [`settings`]: which settings the function has;
//! - [`interrupt`]: clean shutdown.

pub mod clock;
pub mod cpu_share;
pub mod credentials;
pub mod customerio;
pub mod dodo;
pub mod dodo_api;
pub mod fault;
pub mod front;
pub mod function_url;
pub mod gate;
pub mod interrupt;
pub mod journal;
pub mod leaks;
pub mod one_secret;
pub mod package;
pub mod poller;
pub mod proc;
pub mod project;
pub mod runtime_api;
pub mod secrets_manager;
pub mod serve;
pub mod settings;
pub mod sqs;
pub mod template;

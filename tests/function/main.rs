//! End-to-end tests: the real process under a local Lambda Runtime API, with moto as Secrets Manager and
//! the local Customer.io.

mod abuse;
mod alarms;
mod configuration;
mod delivery;
#[cfg(feature = "javascript")]
mod handler_process;
mod log;
mod lookups;
mod metrics;
mod operate;
mod people;
mod queue;
mod responses;
mod secret;
#[cfg(feature = "javascript")]
mod transforms;
mod world;

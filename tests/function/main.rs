//! The whole function: the real process under a Lambda Runtime API, the AWS SDK against a Secrets
//! Manager, HTTP to the local Customer.io.

mod abuse;
mod configuration;
mod delivery;
mod lookups;
mod metrics;
mod operate;
mod page;
mod responses;
mod secret;
#[cfg(feature = "javascript")]
mod transforms;
mod world;

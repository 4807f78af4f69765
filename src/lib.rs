//! Dodo Payments webhooks into Customer.io, as one AWS Lambda function.
//!
//! Data flows one way; each module has one job:
//!
//! - [`config`] reads the settings, [`log`] sets up the log;
//! - [`function`] takes one webhook through all of the following, within the time that [`budget`] gives;
//! - [`webhook`] turns bytes that anybody could have sent into an event of Dodo's;
//! - [`secret`] keeps the credentials from AWS Secrets Manager;
//! - [`dodo`] asks Dodo's API for what a payload leaves out, if there is a key for it;
//! - [`transform`] makes Customer.io's items of an event: pure, driven by one table;
//! - `script` runs the merchant's own JavaScript transforms instead, if [`choice`] says so;
//! - [`track`] sends the items and judges the answers;
//! - [`outcome`] turns what became of it into a status, a JSON body and headers;
//! - [`record`] is its line in the log, with [`metrics`] beside it, [`redact`] keeps personal data out of both;
//! - [`http`] builds the one HTTP client of the process.

pub mod budget;
pub mod choice;
pub mod config;
pub mod dodo;
pub mod function;
pub mod http;
pub mod log;
pub mod metrics;
pub mod outcome;
pub mod record;
pub mod redact;
#[cfg(feature = "javascript")]
pub mod script;
pub mod secret;
pub mod track;
pub mod transform;
pub mod webhook;

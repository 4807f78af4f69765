//! Dodo Payments webhooks into Customer.io, as one AWS Lambda function.
//!
//! Each module imports only modules below it in this list:
//!
//! - [`handler`] handles what triggers the function, and turns an outcome into a response;
//! - [`config`] reads the settings from the environment;
//! - `relay` takes events through enrichment, transform and delivery, within their deadline;
//! - [`transform`] turns an event into requests: the built-in mapping, or the merchant's JavaScript;
//! - [`dodo`] asks Dodo's API for what a payload leaves out, if there is a key for it;
//! - `secrets` keeps the credentials from AWS Secrets Manager;
//! - `queue` is the queue of SQS in which webhooks wait, if there is one;
//! - [`customerio`] sends requests to the Track API, keeps its limits and classifies its responses;
//! - [`event`] is an event of Dodo's, and how its fields are read;
//! - [`webhook`] turns bytes that anybody could have sent into a webhook that Dodo sent;
//! - [`aws`] and [`http`] build the clients: one HTTP and TLS stack for everything;
//! - [`telemetry`] is the log, the metrics, and the redaction of both.

// What is `pub` is so for `main.rs`, the programs in `crates/`, the tests and the benches. What only this
// crate uses is not, so that documentation is written where it says something.
#![warn(unreachable_pub)]

pub mod aws;
pub mod config;
pub mod customerio;
pub mod dodo;
pub mod event;
pub mod handler;
pub mod http;
mod queue;
mod relay;
mod secrets;
pub mod telemetry;
pub mod transform;
pub mod webhook;

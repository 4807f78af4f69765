//! Dodo Payments webhooks into Customer.io, as one AWS Lambda function.

pub mod http;
pub mod track;
pub mod transform;
pub mod webhook;

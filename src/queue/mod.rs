//! A queue of Amazon SQS: webhooks wait in it until Customer.io takes them.
//!
//! The client puts messages in and says sooner than the queue itself when a message should come again;
//! `limits` says what fits into a message and `visibility` when it should come again. Messages are taken
//! out by Lambda's own poller, which also deletes those that are done with.

mod client;
mod error;
mod limits;
mod visibility;

pub(crate) use client::{Message, Queue, QueueUrl};
pub(crate) use error::QueueError;
pub(crate) use limits::attribute;
pub(crate) use visibility::pause_before;

/// The message attribute that holds the `webhook-id`.
pub(crate) const WEBHOOK_ID: &str = "webhook-id";

/// The message attribute of a dead letter that says why it is one.
pub(crate) const REASON: &str = "reason";

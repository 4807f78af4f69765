//! The two ways for a webhook to Customer.io.

use std::str::FromStr;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The function delivers each webhook at once.
    Direct,
    /// Webhooks wait in a queue of SQS, and a second function delivers them, many in one request.
    Queue,
}

impl FromStr for Delivery {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "direct" => Ok(Self::Direct),
            "queue" => Ok(Self::Queue),
            _ => Err("it must be direct or queue"),
        }
    }
}

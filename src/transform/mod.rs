//! Which calls a webhook becomes: the built-in transform or the merchant's own decides.

use crate::relay::outcome::{Outcome, Reason, Retry};
#[cfg(feature = "javascript")]
use crate::transform::javascript::Scripts;
use crate::customerio::Call;
use crate::transform::{Ignored, Options, transform};
use crate::event::Envelope;
use crate::webhook::Verified;
use std::fmt::Display;

/// The transform that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// Ours.
    BuiltIn(Options),
    /// `TRANSFORM_FILE`.
    #[cfg(feature = "javascript")]
    Scripts(Scripts),
}

impl Transform {
    /// Whether events of this type are sent at all, so that nothing is looked up for others.
    pub fn wants(&self, event_type: &str) -> bool {
        match self {
            Self::BuiltIn(options) => options.names.name_of(event_type).is_some(),
            #[cfg(feature = "javascript")]
            Self::Scripts(_) => true,
        }
    }

    /// The calls that a webhook becomes, in their order. `now` is in Unix seconds.
    ///
    /// # Errors
    /// That there is nothing to send, or that the merchant's transform failed.
    pub fn calls(
        &self,
        webhook: &Verified<'_>,
        envelope: &Envelope,
        now: u64,
    ) -> Result<Vec<Call>, Outcome> {
        match self {
            Self::BuiltIn(options) => {
                let batch = transform(envelope, webhook.id(), now, options);
                let calls = batch.map(|batch| vec![Call::from(&batch)]);
                let failure = envelope.facts.as_ref().and_then(|facts| facts.failure);
                calls.map_err(|why| match (why, failure) {
                    (Ignored::NoEmail, Some(failure)) => Outcome::Retry(Retry::Dodo(failure)),
                    _ => ignored(why.code(), &why),
                })
            }
            #[cfg(feature = "javascript")]
            Self::Scripts(scripts) => match scripts.ship(webhook, envelope, now) {
                Ok(Ok(shipment)) => Ok(shipment.into_calls()),
                Ok(Err(why)) => Err(ignored(why.code(), &why)),
                Err(error) => Err(Outcome::TransformFailed(error.to_string())),
            },
        }
    }
}

fn ignored(code: &'static str, why: &impl Display) -> Outcome {
    Outcome::Ignored(Reason { code, message: why.to_string() })
}

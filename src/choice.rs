//! Which calls a webhook becomes: the built-in transform or the merchant's own decides.

use crate::outcome::{Outcome, Reason};
#[cfg(feature = "javascript")]
use crate::script::Scripts;
use crate::track::Call;
use crate::transform::{Options, transform};
use crate::webhook::{Envelope, Verified};

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
                batch.map(|batch| vec![Call::from(&batch)]).map_err(|ignored| {
                    Outcome::Ignored(Reason { code: ignored.code(), message: ignored.to_string() })
                })
            }
            #[cfg(feature = "javascript")]
            Self::Scripts(scripts) => match scripts.ship(webhook, envelope, now) {
                Ok(Ok(shipment)) => Ok(shipment.into_calls()),
                Ok(Err(unhandled)) => Err(Outcome::Ignored(Reason {
                    code: unhandled.code(),
                    message: unhandled.to_string(),
                })),
                Err(error) => Err(Outcome::TransformFailed(error.to_string())),
            },
        }
    }
}

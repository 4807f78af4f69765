use std::time::Duration;

/// Why a lookup says nothing. None of the messages holds personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// 401 or 403.
    #[error(
        "Dodo's API refuses dodo_api_key ({0}). Check that the key belongs to DODO_ENVIRONMENT (live \
         or test)."
    )]
    KeyRefused(u16),
    /// 404.
    #[error(
        "Dodo's API does not know the object that this event names. Check that dodo_api_key belongs \
         to the business and to DODO_ENVIRONMENT (live or test) of this webhook."
    )]
    NotFound,
    /// 429, or a lookup that was not made because of an earlier one. Holds the time to wait.
    #[error("Dodo's API limits the rate of requests.")]
    RateLimited(Duration),
    /// Any other status.
    #[error("Dodo's API responds with status {0}.")]
    Unavailable(u16),
    /// No connection, or it broke.
    #[error("Dodo's API could not be reached.")]
    Unreachable,
    /// Too slow for a webhook.
    #[error("Dodo's API did not respond in time.")]
    TimedOut,
    /// Not what its documentation says.
    #[error("Dodo's API gave a response that cannot be read.")]
    Unreadable,
    /// More than is read for one webhook: payments, or customers with the same address.
    #[error("The person has more payments, or more customers, than are read for one webhook.")]
    TooMany,
    /// Everything was read, but the sums cannot be computed with certainty.
    #[error("The sums of this customer are left out: {0}.")]
    NotComputable(#[from] SumError),
}

/// Why sums cannot be computed with certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SumError {
    /// Nobody knows how much was paid back.
    #[error("a partial refund has no amount")]
    PartialRefundWithoutAmount,
    /// It cannot be subtracted.
    #[error("a refund or a dispute is in another currency than its payment")]
    OtherCurrency,
    /// Its amount, currency or id is missing.
    #[error("a payment, a refund or a dispute cannot be read")]
    UnreadableItem,
    /// The filter of the list was ignored, so everything may be somebody else's.
    #[error("the list holds payments of somebody else")]
    OtherCustomer,
    /// The event's own refund or dispute is of a payment that is not listed.
    #[error("the payment of this refund or dispute is not listed")]
    PaymentNotListed,
    /// Beyond 64 bits.
    #[error("an amount is too large")]
    TooLarge,
}

impl LookupError {
    /// A short code for machines.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::KeyRefused(_) => "dodo_key_refused",
            Self::NotFound => "dodo_not_found",
            Self::RateLimited(_) => "dodo_rate_limited",
            Self::Unavailable(_) => "dodo_unavailable",
            Self::Unreachable => "dodo_unreachable",
            Self::TimedOut => "dodo_timeout",
            Self::Unreadable => "dodo_unreadable_response",
            Self::TooMany => "dodo_too_many_payments",
            Self::NotComputable(why) => why.code(),
        }
    }

    /// Whether the same lookup may succeed later.
    pub(crate) fn is_transient(self) -> bool {
        match self {
            Self::RateLimited(_)
            | Self::Unavailable(_)
            | Self::Unreachable
            | Self::TimedOut
            | Self::Unreadable => true,
            Self::KeyRefused(_) | Self::NotFound | Self::TooMany | Self::NotComputable(_) => false,
        }
    }

    /// Whether it lies in one person's data, so that it says nothing about other lookups.
    pub(crate) fn concerns_one_person(self) -> bool {
        matches!(self, Self::TooMany | Self::NotComputable(_))
    }

    /// Whether it is worth repeating at once.
    pub(super) fn is_brief(self) -> bool {
        matches!(self, Self::Unreachable) || matches!(self, Self::Unavailable(500..))
    }

    /// How long Dodo's API wants to be left alone.
    pub(crate) fn retry_after(self) -> Option<Duration> {
        if let Self::RateLimited(wait) = self { Some(wait) } else { None }
    }
}

impl SumError {
    fn code(self) -> &'static str {
        match self {
            Self::PartialRefundWithoutAmount => "sums_partial_refund_without_amount",
            Self::OtherCurrency => "sums_other_currency",
            Self::UnreadableItem => "sums_unreadable_item",
            Self::OtherCustomer => "sums_other_customer",
            Self::PaymentNotListed => "sums_payment_not_listed",
            Self::TooLarge => "sums_too_large",
        }
    }
}

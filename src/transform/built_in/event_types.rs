//! Lists of event types, as settings name them: `payment.succeeded`, `payment.*`.

use std::collections::BTreeSet;

/// Every event type that Dodo documents. Others are handled too.
pub const EVENT_TYPES: [&str; 56] = [
    "abandoned_checkout.detected",
    "abandoned_checkout.recovered",
    "credit.added",
    "credit.balance_low",
    "credit.deducted",
    "credit.expired",
    "credit.manual_adjustment",
    "credit.overage_charged",
    "credit.overage_reset",
    "credit.rolled_over",
    "credit.rollover_forfeited",
    "dispute.accepted",
    "dispute.cancelled",
    "dispute.challenged",
    "dispute.expired",
    "dispute.lost",
    "dispute.opened",
    "dispute.won",
    "dunning.recovered",
    "dunning.started",
    "entitlement_grant.created",
    "entitlement_grant.delivered",
    "entitlement_grant.failed",
    "entitlement_grant.revoked",
    "invoice.finalized",
    "invoice.marked_uncollectable",
    "invoice.paid",
    "invoice.past_due",
    "invoice.payment_failed",
    "invoice.reopened",
    "invoice.sent",
    "invoice.voided",
    "license_key.created",
    "payment.cancelled",
    "payment.failed",
    "payment.processing",
    "payment.succeeded",
    "payout.created",
    "payout.failed",
    "payout.in_progress",
    "payout.on_hold",
    "payout.success",
    "refund.failed",
    "refund.succeeded",
    "subscription.active",
    "subscription.cancelled",
    "subscription.expired",
    "subscription.failed",
    "subscription.on_hold",
    "subscription.past_due",
    "subscription.paused",
    "subscription.plan_changed",
    "subscription.renewed",
    "subscription.unpaused",
    "subscription.update_payment_method",
    "subscription.updated",
];

/// An event type, or all that begin alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

/// What is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not an event type; write payment.succeeded, or payment.* for all that begin alike"
)]
pub struct NoEventType(String);

impl Pattern {
    /// Reads `payment.succeeded` or `payment.*`.
    ///
    /// # Errors
    /// That it is neither.
    pub(super) fn parse(text: &str) -> Result<Self, NoEventType> {
        let start = text.strip_suffix('*').unwrap_or(text);
        let is_usual = |it: char| it.is_alphanumeric() || matches!(it, '.' | '_' | '-');
        if text.is_empty() || !start.chars().all(is_usual) {
            return Err(NoEventType(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// What the types begin with, if it stands for several.
    fn start(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// Whether it stands for an event type.
    pub(super) fn fits(&self, event_type: &str) -> bool {
        self.start().map_or(event_type == self.0, |start| event_type.starts_with(start))
    }

    /// Of two that fit a type, the higher one counts: the type itself, or the longer beginning.
    pub(super) fn rank(&self) -> usize {
        self.start().map_or(usize::MAX, str::len)
    }

    /// That it fits none of the known types, and which comes nearest: a typo, perhaps.
    pub(crate) fn doubt(&self) -> Option<String> {
        if EVENT_TYPES.iter().any(|known| self.fits(known)) {
            return None;
        }
        let nearest = if self.start().is_some() {
            let group = |known: &&str| format!("{}.*", known.split('.').next().unwrap_or_default());
            let groups: BTreeSet<_> = EVENT_TYPES.iter().map(group).collect();
            nearest(&self.0, groups)
        } else {
            nearest(&self.0, EVENT_TYPES.map(str::to_owned))
        };
        let name = &self.0;
        let nearest = nearest.map(|it| format!("; the nearest is {it}")).unwrap_or_default();
        Some(format!("\"{name}\" fits no event type known today{nearest}"))
    }
}

/// The most similar of some names, if somebody may have meant it.
pub fn nearest(name: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let distance = |known: &String| strsim::damerau_levenshtein(name, known);
    known.into_iter().min_by_key(distance).filter(|known| is_near(name, known))
}

/// Whether somebody may have meant the one with the other: at most a third of it is different.
pub fn is_near(name: &str, known: &str) -> bool {
    let length = name.chars().count().max(known.chars().count());
    strsim::damerau_levenshtein(name, known) * 3 <= length
}

/// The entries of a list in a setting.
pub(super) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// `EVENTS`: the event types that are sent. By default, all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventTypes(Vec<Pattern>);

impl EventTypes {
    /// Reads `payment.*,subscription.active`.
    ///
    /// # Errors
    /// Every entry that is not an event type.
    pub fn parse(list: &str) -> Result<Self, Vec<NoEventType>> {
        let (mut patterns, mut errors) = (Vec::new(), Vec::new());
        for entry in entries(list) {
            match Pattern::parse(entry) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self(patterns)) } else { Err(errors) }
    }

    /// What it lists.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.0.iter()
    }

    pub(super) fn include(&self, event_type: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.fits(event_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_types_and_beginnings() {
        let types = EventTypes::parse(" payment.*, subscription.active ,,").unwrap();
        for (event_type, included) in [
            ("payment.succeeded", true),
            ("payment.invented", true),
            ("payments", false),
            ("subscription.active", true),
            ("subscription.active.twice", false),
            ("refund.failed", false),
        ] {
            assert_eq!(types.include(event_type), included, "{event_type}");
        }
        assert!(EventTypes::parse("*").unwrap().include("loyalty.points_earned"));
        for all in ["", " , "] {
            assert!(EventTypes::parse(all).unwrap().include("loyalty.points_earned"));
        }
    }

    #[test]
    fn what_is_no_event_type_is_an_error() {
        let errors = EventTypes::parse("payment.succeeded=Paid,pay*ment,a b,refund.*").unwrap_err();
        let expected = ["payment.succeeded=Paid", "pay*ment", "a b"];
        assert_eq!(errors, expected.map(|text| NoEventType(text.to_owned())));
    }

    #[test]
    fn a_typo_gets_the_nearest_type() {
        for (name, nearest) in [
            ("payment.fialed", "payment.failed"),
            ("payment_succeeded", "payment.succeeded"),
            ("subscription.canceled", "subscription.cancelled"),
            ("paymnet.*", "payment.*"),
            ("license_keys.*", "license_key.*"),
        ] {
            let doubt = Pattern::parse(name).unwrap().doubt().unwrap();
            assert!(doubt.ends_with(&format!("the nearest is {nearest}")), "{doubt}");
        }
        let nonsense = Pattern::parse("qwertyuiop").unwrap().doubt().unwrap();
        assert_eq!(nonsense, "\"qwertyuiop\" fits no event type known today");
        for known in ["payment.failed", "payment.*", "pay*", "*", "subscription.re*"] {
            assert_eq!(Pattern::parse(known).unwrap().doubt(), None, "{known}");
        }
    }
}

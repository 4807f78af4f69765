use super::event_types::{NoEventType, Pattern, entries};
use crate::customerio::limits::{MAX_EVENT_NAME, cut};
use std::collections::BTreeMap;

/// The names that Dodo's own Customer.io page uses; campaigns built on that page listen for them.
const DODOS_NAMES: [(&str, &str); 3] = [
    ("payment.succeeded", "Payment Completed"),
    ("subscription.active", "Subscription Started"),
    ("subscription.cancelled", "Subscription Cancelled"),
];

/// The merchant's renames, from event types to event names; an empty name switches events off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventNames(BTreeMap<Pattern, String>);

/// One mistake in a list of renames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventNamesError {
    /// An entry that maps nothing.
    #[error("\"{0}\" has no \"=\"; write type=Name, or type= to switch the event off")]
    NoEqualsSign(String),
    /// An entry that maps from nothing.
    #[error("\"{0}\" has no event type before the \"=\"")]
    NoType(String),
    /// Or from something else.
    #[error(transparent)]
    NoEventType(#[from] NoEventType),
    /// Which of the two would count?
    #[error("{0} is there twice")]
    Twice(String),
    /// Customer.io would refuse every such event.
    #[error("the name for {0} is longer than {MAX_EVENT_NAME} bytes")]
    TooLong(String),
}

impl EventNames {
    /// Reads `payment.succeeded=Order Completed,refund.*=`.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(list: &str) -> Result<Self, Vec<EventNamesError>> {
        let (mut names, mut errors) = (BTreeMap::new(), Vec::new());
        for entry in entries(list) {
            match rename(entry) {
                Ok((pattern, name)) => {
                    if names.insert(pattern, name.to_owned()).is_some() {
                        let event_type = entry.split('=').next().unwrap_or_default().trim();
                        errors.push(EventNamesError::Twice(event_type.to_owned()));
                    }
                }
                Err(mistake) => errors.push(mistake),
            }
        }
        if errors.is_empty() { Ok(Self(names)) } else { Err(errors) }
    }

    /// The event types that it renames.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.0.keys()
    }

    /// The name under which Customer.io gets an event type; `None` if the merchant switched it off. The
    /// type itself counts before `payment.*`.
    pub fn name_of(&self, event_type: &str) -> Option<String> {
        let fitting = self.0.iter().filter(|(pattern, _)| pattern.fits(event_type));
        let mut name = match fitting.max_by_key(|(pattern, _)| pattern.rank()) {
            Some((_, renamed)) => renamed.clone(),
            None => default_name(event_type),
        };
        cut(&mut name, MAX_EVENT_NAME);
        Some(name).filter(|name| !name.is_empty())
    }
}

/// A charge that only updates a payment method is not a purchase and must not be called one, whatever
/// the merchant calls purchases.
pub(super) fn payment_method_update(event_type: &str) -> String {
    match event_type.split_once('.') {
        None | Some((_, "succeeded")) => "Payment Method Updated".to_owned(),
        Some((_, result)) => format!("Payment Method Update {}", title_case(result)),
    }
}

fn rename(entry: &str) -> Result<(Pattern, &str), EventNamesError> {
    let no_equals_sign = || EventNamesError::NoEqualsSign(entry.to_owned());
    let (event_type, name) = entry.split_once('=').ok_or_else(no_equals_sign)?;
    let (event_type, name) = (event_type.trim(), name.trim());
    if event_type.is_empty() {
        return Err(EventNamesError::NoType(entry.to_owned()));
    }
    if name.len() > MAX_EVENT_NAME {
        return Err(EventNamesError::TooLong(event_type.to_owned()));
    }
    Ok((Pattern::parse(event_type)?, name))
}

fn default_name(event_type: &str) -> String {
    let dodos = DODOS_NAMES.iter().find(|(known, _)| *known == event_type);
    dodos.map_or_else(|| title_case(event_type), |(_, name)| (*name).to_owned())
}

/// `subscription.on_hold` → `Subscription On Hold`.
fn title_case(event_type: &str) -> String {
    let words = event_type.split(['.', '_']).filter(|word| !word.is_empty());
    let title: Vec<String> = words.map(capitalised).collect();
    if title.is_empty() { event_type.to_owned() } else { title.join(" ") }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dodos_names_come_first_then_title_case() {
        let names = EventNames::default();
        for (event_type, expected) in [
            ("payment.succeeded", "Payment Completed"),
            ("subscription.active", "Subscription Started"),
            ("subscription.cancelled", "Subscription Cancelled"),
            ("payment.failed", "Payment Failed"),
            ("subscription.on_hold", "Subscription On Hold"),
            ("abandoned_checkout.detected", "Abandoned Checkout Detected"),
            ("loyalty.über_tier", "Loyalty Über Tier"),
            ("odd", "Odd"),
            ("._.", "._."),
        ] {
            assert_eq!(names.name_of(event_type).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_update_of_a_payment_method_is_not_called_a_payment() {
        for (event_type, expected) in [
            ("payment.succeeded", "Payment Method Updated"),
            ("payment.failed", "Payment Method Update Failed"),
            ("payment.processing", "Payment Method Update Processing"),
            ("payment.cancelled", "Payment Method Update Cancelled"),
        ] {
            assert_eq!(payment_method_update(event_type), expected);
        }
    }

    #[test]
    fn a_name_stays_within_the_limit() {
        let name = EventNames::default().name_of(&"ü".repeat(200)).unwrap();
        assert_eq!(name, format!("Ü{}", "ü".repeat(49)));
    }

    #[test]
    fn renames_win_and_an_empty_name_switches_off() {
        let names =
            EventNames::parse(" payment.succeeded=Order Completed, refund.failed= ,").unwrap();
        assert_eq!(names.name_of("payment.succeeded").as_deref(), Some("Order Completed"));
        assert_eq!(names.name_of("refund.failed"), None);
        assert_eq!(names.name_of("refund.succeeded").as_deref(), Some("Refund Succeeded"));
    }

    #[test]
    fn a_rename_may_be_for_several_types_and_the_nearer_one_counts() {
        let names =
            EventNames::parse("payment.*=,payment.succeeded=Order,*=Other,dis*=A,dispute.*=B");
        let names = names.unwrap();
        for (event_type, expected) in [
            ("payment.failed", None),
            ("payment.succeeded", Some("Order")),
            ("dispute.won", Some("B")),
            ("refund.failed", Some("Other")),
        ] {
            assert_eq!(names.name_of(event_type).as_deref(), expected, "{event_type}");
        }
    }

    #[test]
    fn a_name_may_contain_an_equals_sign() {
        let names = EventNames::parse("a.b=x=y").unwrap();
        assert_eq!(names.name_of("a.b").as_deref(), Some("x=y"));
    }

    #[test]
    fn all_mistakes_are_reported() {
        let list = format!("payment.failed,=Name,a.b=x,a.b=y,c.d={},a*b=x", "n".repeat(101));
        let errors = EventNames::parse(&list).unwrap_err();
        assert_eq!(
            errors,
            [
                EventNamesError::NoEqualsSign("payment.failed".into()),
                EventNamesError::NoType("=Name".into()),
                EventNamesError::Twice("a.b".into()),
                EventNamesError::TooLong("c.d".into()),
                EventNamesError::NoEventType(Pattern::parse("a*b").unwrap_err()),
            ]
        );
    }
}

//! The mapping, one row per field: a field of Dodo's payload, the attribute that it becomes, and its
//! kind. To map another field, add a row.
//!
//! A scalar field without a row is passed on under its own name (see [`super::pass_through`]), so that
//! fields and event types which Dodo has yet to invent arrive too.

use Kind::{
    Date, DateOrCleared, Decimal, Flag, Id, Metadata, Money, MoneyOrCleared, Number, Objects,
    Occurred, Strings, Text, TextOr,
};

/// What a field is, and so how it is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string that identifies something or somebody; kept when an item must shrink.
    Id,
    /// Any other string.
    Text,
    /// A string with a default for when it is absent.
    TextOr(&'static str),
    Number,
    Flag,
    /// Unix seconds.
    Date,
    /// The same, and `""` where Dodo says `null`: Customer.io then clears the attribute.
    DateOrCleared,
    /// Minor units of the currency named by that field: a decimal string `x` and an integer `x_minor`.
    Money(&'static str),
    /// The same, and `""` for an `x` that cannot be written: of a person it would otherwise stay what
    /// it was in another currency.
    MoneyOrCleared(&'static str),
    /// Money for an amount that Dodo may also send as a decimal string.
    Decimal(&'static str),
    /// A list of strings.
    Strings,
    /// A list of flat objects, with these of their fields.
    Objects(&'static [&'static str]),
    /// The merchant's own keys, as one nested object: flattened, a key named `recipient` would
    /// redirect mail.
    Metadata,
    /// No field, but the time of the event itself, in Unix seconds.
    Occurred,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it is in `data`; a dot leads into a nested object.
    pub field: &'static str,
    pub attribute: &'static str,
    pub kind: Kind,
}

const fn row(field: &'static str, attribute: &'static str, kind: Kind) -> Row {
    Row { field, attribute, kind }
}

/// A field that keeps its name.
const fn same(field: &'static str, kind: Kind) -> Row {
    row(field, field, kind)
}

/// When an event says something about its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A purchase: a succeeded payment above zero.
    Paid,
    /// A payment that has succeeded, failed or been cancelled.
    Ended,
    /// A subscription that ran at some time: neither failed nor pending.
    Ran,
}

/// What the event types with one prefix have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group<'a> {
    /// The part of the event type before its first dot.
    pub prefix: &'a str,
    /// Attributes of the event.
    pub event: &'static [Row],
    /// Attributes of the person, beside `email`, `name` and `dodo_customer_id`.
    pub person: &'static [(When, &'static [Row])],
    /// The field that names the person, in groups whose events are always about one.
    pub customer: Option<&'static str>,
    /// Whether what was bought, the amount and the link come from the payment that the event names.
    pub takes_from_payment: bool,
}

/// The group of an event type; a new one has no rows of its own yet.
pub(super) fn group(event_type: &str) -> Group<'_> {
    let prefix = event_type.split('.').next().unwrap_or(event_type);
    let known = GROUPS.iter().find(|group| group.prefix == prefix);
    known.copied().unwrap_or(Group { prefix, ..UNKNOWN })
}

const UNKNOWN: Group<'static> =
    Group { prefix: "", event: &[], person: &[], customer: None, takes_from_payment: false };

const CUSTOMER: Option<&str> = Some("data.customer");
pub(super) const CUSTOMER_ID: Option<&str> = Some("data.customer_id");

const fn about(
    customer: Option<&'static str>,
    prefix: &'static str,
    event: &'static [Row],
) -> Group<'static> {
    Group { prefix, event, customer, ..UNKNOWN }
}

pub(super) static GROUPS: [Group<'static>; 10] = [
    Group {
        person: &[(When::Paid, PAYER), (When::Ended, LAST_PAYMENT)],
        ..about(CUSTOMER, "payment", PAYMENT)
    },
    Group { person: &[(When::Ran, SUBSCRIBER)], ..about(CUSTOMER, "subscription", SUBSCRIPTION) },
    about(CUSTOMER, "refund", REFUND),
    about(CUSTOMER, "dispute", DISPUTE),
    about(CUSTOMER_ID, "license_key", LICENSE_KEY),
    about(CUSTOMER_ID, "credit", CREDIT),
    Group {
        takes_from_payment: true,
        ..about(CUSTOMER_ID, "abandoned_checkout", ABANDONED_CHECKOUT)
    },
    Group { takes_from_payment: true, ..about(CUSTOMER_ID, "dunning", DUNNING) },
    about(CUSTOMER_ID, "entitlement_grant", ENTITLEMENT_GRANT),
    about(None, "invoice", INVOICE),
];

/// On events of every type, known or not.
pub(super) const EVERY_EVENT: &[Row] = &[
    row("customer.email", "email", Id),
    row("customer.name", "name", Text),
    row("customer.customer_id", "customer_id", Id),
    same("customer_id", Id),
    same("payment_id", Id),
    same("subscription_id", Id),
    same("product_id", Id),
    same("brand_id", Id),
    same("status", Text),
    same("currency", Text),
    row("billing.country", "billing_country", Text),
    same("created_at", Date),
    same("metadata", Metadata),
];

const PAYMENT: &[Row] = &[
    row("total_amount", "payment_amount", Money("currency")),
    same("tax", Money("currency")),
    same("settlement_amount", Money("settlement_currency")),
    same("settlement_tax", Money("settlement_currency")),
    same("settlement_currency", Text),
    same("payment_method", TextOr("unknown")),
    same("payment_method_type", Text),
    same("payment_method_id", Id),
    same("payment_link", Text),
    same("invoice_id", Id),
    same("invoice_url", Text),
    same("checkout_session_id", Id),
    same("discount_id", Id),
    same("card_last_four", Text),
    same("card_network", Text),
    same("card_type", Text),
    same("card_issuing_country", Text),
    same("error_code", Text),
    same("charge_type", Text),
    same("retry_attempt", Number),
    same("refund_status", Text),
    same("digital_products_delivered", Flag),
    same("is_update_payment_method", Flag),
    same("is_multi_subscription", Flag),
    same("includes_usage", Flag),
    same("card_exp_month", Text),
    same("card_exp_year", Text),
    same("subscription_ids", Strings),
    same("discounts", DISCOUNTS),
    same("updated_at", Date),
];

/// A discount's amount is a percentage or minor units, as its type says, so it stays as it is.
const DISCOUNTS: Kind = Objects(&["code", "name", "type", "amount"]);

/// What an event takes from the payment that it names: what was bought, and a link to pay.
pub(super) const FROM_PAYMENT: &[Row] = &[
    row("total_amount", "payment_amount", Money("currency")),
    same("currency", Text),
    same("payment_link", Text),
];

const PAYER: &[Row] = &[
    same("payment_method", Text),
    row("", "last_payment_date", Occurred),
    row("total_amount", "last_payment_amount", MoneyOrCleared("currency")),
    row("currency", "last_payment_currency", Text),
];

const LAST_PAYMENT: &[Row] = &[row("status", "last_payment_status", Text)];

const SUBSCRIPTION: &[Row] = &[
    row("recurring_pre_tax_amount", "amount", Money("currency")),
    same("trial_amount", Money("currency")),
    row("payment_frequency_interval", "frequency", Text),
    same("payment_frequency_interval", Text),
    same("payment_frequency_count", Number),
    same("subscription_period_interval", Text),
    same("subscription_period_count", Number),
    same("quantity", Number),
    same("trial_period_days", Number),
    row("next_billing_date", "next_billing", Date),
    same("previous_billing_date", Date),
    row("cancel_at_next_billing_date", "cancel_at_next_billing", Flag),
    same("cancelled_at", Date),
    same("expires_at", Date),
    same("paused_at", Date),
    same("past_due_ends_at", Date),
    same("cancellation_feedback", Text),
    same("cancellation_comment", Text),
    same("discount_id", Id),
    same("discount_cycles_remaining", Number),
    same("on_demand", Flag),
    same("tax_inclusive", Flag),
    same("has_payment_method", Flag),
    same("payment_method_id", Id),
    row("scheduled_change.product_id", "scheduled_product_id", Id),
    row("scheduled_change.product_name", "scheduled_product_name", Text),
    row("scheduled_change.effective_at", "scheduled_change_at", Date),
    same("discounts", DISCOUNTS),
];

pub(super) const SUBSCRIBER: &[Row] = &[
    same("subscription_id", Id),
    row("status", "subscription_status", Text),
    row("product_id", "subscription_product_id", Id),
    row("next_billing_date", "next_billing", DateOrCleared),
    row("cancel_at_next_billing_date", "cancel_at_next_billing", Flag),
    same("cancelled_at", DateOrCleared),
    same("expires_at", DateOrCleared),
];

const REFUND: &[Row] = &[
    same("refund_id", Id),
    same("amount", Money("currency")),
    same("is_partial", Flag),
    same("reason", Text),
];

const DISPUTE: &[Row] = &[
    same("dispute_id", Id),
    same("amount", Decimal("currency")),
    same("dispute_stage", Text),
    same("dispute_status", Text),
    same("reason", Text),
    same("is_resolved_by_rdr", Flag),
];

const LICENSE_KEY: &[Row] = &[
    row("id", "license_key_id", Id),
    row("key", "license_key", Id),
    same("activations_limit", Number),
    same("instances_count", Number),
    same("expires_at", Date),
];

/// Credits are counted in units of the merchant's own, so none of these is money.
const CREDIT: &[Row] = &[
    row("id", "credit_ledger_entry_id", Id),
    same("credit_entitlement_id", Id),
    same("credit_entitlement_name", Text),
    same("transaction_type", Text),
    same("is_credit", Flag),
    same("amount", Text),
    same("balance_before", Text),
    same("balance_after", Text),
    same("overage_before", Text),
    same("overage_after", Text),
    same("available_balance", Text),
    same("threshold_amount", Text),
    same("threshold_percent", Number),
    same("subscription_credits_amount", Text),
    same("reference_id", Id),
    same("description", Text),
];

const ABANDONED_CHECKOUT: &[Row] = &[
    same("abandoned_at", Date),
    same("abandonment_reason", Text),
    same("recovered_payment_id", Id),
];

const DUNNING: &[Row] = &[same("trigger_state", Text)];

const ENTITLEMENT_GRANT: &[Row] = &[
    row("id", "entitlement_grant_id", Id),
    same("entitlement_id", Id),
    same("integration_type", Text),
    row("feature.feature_id", "feature_id", Id),
    row("license_key.key", "license_key", Id),
    row("license_key.expires_at", "license_key_expires_at", Date),
    row("license_key.activations_limit", "license_key_activations_limit", Number),
    same("delivered_at", Date),
    same("revoked_at", Date),
    same("revocation_reason", Text),
    same("oauth_url", Text),
    same("oauth_expires_at", Date),
    same("error_code", Text),
    same("updated_at", Date),
];

/// Dodo's newest group, which its SDKs do not know yet: more fields are to come.
const INVOICE: &[Row] = &[
    row("id", "invoice_id", Id),
    same("amount_due", Money("currency")),
    same("amount_paid", Money("currency")),
    same("amount_refunded", Money("currency")),
    same("total", Money("currency")),
    same("subtotal", Money("currency")),
    same("tax", Money("currency")),
    same("credits", Money("currency")),
    same("billing_mode", Text),
    same("due_date", Date),
];

/// Fields that never leave, whatever the event type.
pub(super) const LEFT_OUT: &[&str] = &[
    // Personal data that no mail needs.
    "card_holder_name",
    "tax_id",
    // Written for the merchant, not for the customer.
    "error_message",
    "remarks",
    // The same for every event of a merchant, or implied by the event's type.
    "business_id",
    "payload_type",
    // On an event, Customer.io would redirect mail by these.
    "recipient",
    "from_address",
    "reply_to",
    // Customer.io keeps it for itself.
    "_relationship",
];

/// Every row of people.
fn person_rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.person).flat_map(|(_, rows)| *rows)
}

/// Every row.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    let of_events = GROUPS.iter().flat_map(|group| group.event);
    of_events.chain(person_rows()).chain(EVERY_EVENT).chain(FROM_PAYMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_bought_yet_is_known_from_its_payment() {
        for (event_type, takes) in [
            ("abandoned_checkout.detected", true),
            ("dunning.started", true),
            ("payment.failed", false),
            ("refund.succeeded", false),
        ] {
            assert_eq!(group(event_type).takes_from_payment, takes, "{event_type}");
        }
    }

    #[test]
    fn no_attribute_collides_with_customer_ios_own() {
        for row in person_rows() {
            let reserved =
                ["id", "email", "phone", "cio_id", "created_at", "unsubscribed", "timezone"];
            assert!(!reserved.contains(&row.attribute), "{row:?}");
        }
        assert!(rows().all(|row| !LEFT_OUT.contains(&row.attribute)));
    }

    #[test]
    fn nothing_left_out_is_mapped() {
        assert!(rows().all(|row| !LEFT_OUT.contains(&row.field)));
    }

    #[test]
    fn a_list_names_no_attribute_twice() {
        for group in GROUPS {
            let of_person: Vec<Row> =
                group.person.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
            for rows in [group.event, &of_person] {
                for (index, row) in rows.iter().enumerate() {
                    let earlier = &rows[..index];
                    assert!(
                        earlier.iter().all(|other| other.attribute != row.attribute),
                        "{row:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_new_type_of_a_known_group_is_mapped_like_its_siblings() {
        assert!(!group("subscription.resurrected").event.is_empty());
        assert!(group("loyalty.earned").event.is_empty());
        assert_eq!(group("loyalty.earned").prefix, "loyalty");
    }
}

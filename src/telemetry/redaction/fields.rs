//! Which fields of Dodo's payloads and of requests to Customer.io are personal: all but those listed.

use super::personal::Hashes;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Fields with ids, types, states, dates, amounts and counts, under Dodo's names and under ours.
static HARMLESS: LazyLock<Hashes> = LazyLock::new(|| {
    names(
        "\
    addon_id brand_id business_id checkout_session_id credit_entitlement_id credit_ledger_entry_id \
    customer_id discount_id dispute_id dodo_customer_id dodo_webhook_id entitlement_grant_id \
    entitlement_id feature_id grant_id id invoice_id license_key_id loyalty_id meter_id order_id \
    payment_id payment_method_id payout_id product_id recovered_payment_id reference_id refund_id \
    scheduled_product_id subscription_id subscription_ids subscription_product_id \
    abandonment_reason action actor_type allowed_actions billing_country billing_mode \
    cancellation_feedback card_issuing_country card_network card_type charge_type country currency \
    dispute_stage dispute_status dodo_environment dodo_event_type error_code eventType feature_type \
    frequency integration_type last_payment_currency last_payment_status payload_type \
    payment_frequency_interval payment_method payment_method_type payment_provider \
    preferred_locale reference_type refund_status settlement_currency source status \
    subscription_period_interval subscription_status total_spent_currency transaction_type \
    trigger_state type \
    abandoned_at cancelled_at created_at customer_since delivered_at due_date earned_at effective_at \
    expires_at first_payment_date last_payment_date next_billing next_billing_date \
    oauth_expires_at past_due_ends_at paused_at previous_billing_date revoked_at \
    scheduled_change_at timestamp updated_at \
    activations_limit activations_used active_subscriptions amount amount_due amount_paid \
    amount_refunded attempt available_balance balance_after balance_before bonus_amount chargebacks \
    credits cycles_remaining discount_cycles_remaining fee instances_count last_payment_amount \
    overage_after overage_before payment_amount payment_frequency_count payments_count position \
    quantity recurring recurring_pre_tax_amount refund refunds retry_attempt settlement_amount \
    settlement_tax subscription_credits_amount subscription_cycles subscription_period_count \
    subtotal tax threshold_amount threshold_percent times_used total total_amount total_spent \
    trial_amount trial_period_days usage_limit",
    )
});

/// Lists and objects whose own fields are sorted by the same rules.
static CONTAINERS: LazyLock<Hashes> = LazyLock::new(|| {
    names(
        "\
    addons attributes batch billing cio_relationships credit_entitlement_cart customer data discounts \
    disputes license_key meter_credit_entitlement_cart meters payload product_cart products refund \
    refunds relationship_attributes scheduled_change service_periods",
    )
});

/// What there is in a payload or a request.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// The strings of all fields that are not known to be harmless.
    pub personal: Vec<&'a str>,
    /// The numbers of these fields, as JSON.
    pub numbers: Vec<String>,
    /// Names of fields; what merchants and customers name themselves is not among them.
    pub names: Vec<&'a str>,
}

pub(super) fn classify(json: &Value) -> Found<'_> {
    let mut found = Found::default();
    found.sort(json);
    found
}

impl<'a> Found<'a> {
    /// Sorts what stands in a container, at any depth.
    fn sort(&mut self, value: &'a Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.sort(value)),
            Value::Object(map) => map.iter().for_each(|(name, value)| self.field(map, name, value)),
            leaf => self.keep(leaf),
        }
    }

    fn field(&mut self, parent: &Map<String, Value>, name: &'a str, value: &'a Value) {
        self.names.push(name);
        let is_container = value.is_object() || value.is_array();
        if is_container && CONTAINERS.contains(name) {
            self.sort(value);
        } else if !is_harmless(parent, name, value) {
            self.keep(value);
        }
    }

    fn keep(&mut self, value: &'a Value) {
        match value {
            Value::String(text) => self.personal.push(text),
            Value::Number(number) => self.numbers.push(number.to_string()),
            Value::Object(map) => map.values().for_each(|value| self.keep(value)),
            Value::Array(values) => values.iter().for_each(|value| self.keep(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// Whether a field of Dodo's payloads may hold personal data, by its name and its value. For tools.
pub fn is_personal(name: &str, value: &Value) -> bool {
    !(has_harmless_name(name) && is_code(value))
}

/// The `name` of an item is its event's, which is not personal; other names are.
fn is_harmless(parent: &Map<String, Value>, name: &str, value: &Value) -> bool {
    let is_event_name = name == "name" && parent.contains_key("action");
    is_event_name || has_harmless_name(name) && is_code(value)
}

fn has_harmless_name(name: &str) -> bool {
    let name = name.strip_suffix("_minor").unwrap_or(name);
    // `total_spent_eur`: the rest is a currency.
    let is_total = name.strip_prefix("total_spent_").is_some_and(|currency| currency.len() == 3);
    is_total || HARMLESS.contains(name)
}

fn names(list: &str) -> Hashes {
    Hashes::of(list.split_ascii_whitespace())
}

/// Whether it looks like what the harmless fields hold, rather than like text that somebody typed.
fn is_code(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains(|it: char| it == '@' || it == ' ' || !it.is_ascii()),
        Value::Array(values) => values.iter().all(is_code),
        Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

//! What a customer has paid in total. Pure.

use super::client::Object;
use super::error::SumError;
use crate::event::{Event, date, lenient, money};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// As many currencies as a person gets sums for.
const MAX_CURRENCIES: usize = 10;

/// What a customer has paid in total.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LifetimeValue {
    /// What is left of the payments, the currency with the most payments (then the newest) first.
    pub sums: Vec<Sum>,
    /// Succeeded payments above zero, in any currency.
    pub payments_count: usize,
    /// Of the first one, in Unix seconds.
    pub first_payment_date: Option<u64>,
}

/// Succeeded payments in one currency, less refunds and disputes that were lost or accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// ISO 4217.
    pub currency: String,
    /// Minor units.
    pub minor: i64,
}

/// A customer's succeeded payments, refunds and disputes, as far as the API lists them.
#[derive(Debug, Clone, Default)]
pub struct History {
    payments: BTreeMap<String, Payment>,
    refunds: BTreeMap<String, Refund>,
    disputes: BTreeMap<String, Dispute>,
}

#[derive(Debug, Clone)]
struct Payment {
    /// Minor units.
    amount: i64,
    currency: String,
    /// Unix seconds.
    created_at: Option<u64>,
    is_refunded: bool,
    is_disputed: bool,
}

#[derive(Debug, Clone)]
struct Refund {
    payment_id: String,
    /// Minor units; absent: the whole payment, unless it is partial.
    amount: Option<i64>,
    currency: Option<String>,
    is_partial: bool,
}

#[derive(Debug, Clone)]
struct Dispute {
    payment_id: String,
    amount: i64,
    currency: String,
    state: DisputeState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DisputeState {
    /// The money is gone.
    Lost,
    /// The money has come back, or never left.
    Kept,
    Open,
}

impl History {
    /// Adds a listed payment of one of `customers`. Pages shift while they are read, so it may be
    /// listed twice.
    ///
    /// # Errors
    /// It cannot be read, or is somebody else's.
    pub fn add_payment(
        &mut self,
        item: &Object,
        customers: &BTreeSet<String>,
    ) -> Result<(), SumError> {
        let customer = item.get("customer").and_then(|it| it.get("customer_id")?.as_str());
        if customer.is_some_and(|id| !customers.contains(id)) {
            return Err(SumError::OtherCustomer);
        }
        if item.get("status").and_then(Value::as_str).is_none_or(|status| status == "succeeded") {
            let (id, payment) = payment(item).ok_or(SumError::UnreadableItem)?;
            self.payments.insert(id, payment);
        }
        Ok(())
    }

    /// Adds a listed refund. It counts only if its payment is listed too.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn add_refund(&mut self, item: &Object) -> Result<(), SumError> {
        if item.get("status").and_then(Value::as_str).is_none_or(|status| status == "succeeded") {
            let (id, refund) = refund(item).ok_or(SumError::UnreadableItem)?;
            self.refunds.insert(id, refund);
        }
        Ok(())
    }

    /// Adds a listed dispute. It counts only if its payment is listed too.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn add_dispute(&mut self, item: &Object) -> Result<(), SumError> {
        let (id, dispute) = dispute(item).ok_or(SumError::UnreadableItem)?;
        self.disputes.insert(id, dispute);
        Ok(())
    }

    /// The event's own payment, refund or dispute counts whether it is listed yet or not. A dispute may
    /// be listed with an earlier state, if the event is fresh.
    pub(super) fn add_own(&mut self, event: &Event<'_>, is_fresh: bool) -> Result<(), SumError> {
        let unreadable = SumError::UnreadableItem;
        match event.event_type.split('.').next() {
            Some("refund") => {
                let (id, own) = refund(&event.data).ok_or(unreadable)?;
                self.require_payment(&own.payment_id)?;
                self.refunds.entry(id).or_insert(own);
            }
            Some("dispute") => {
                let (id, own) = dispute(&event.data).ok_or(unreadable)?;
                self.require_payment(&own.payment_id)?;
                let listed = self.disputes.entry(id).or_insert_with(|| own.clone());
                // An open dispute can end, but one that has ended does not open again.
                let is_newer = is_fresh && own.state != DisputeState::Open;
                if is_newer || listed.state == DisputeState::Open {
                    *listed = own;
                }
            }
            _ => {
                let (id, own) = payment(&event.data).ok_or(unreadable)?;
                self.payments.entry(id).or_insert(own);
            }
        }
        Ok(())
    }

    fn require_payment(&self, id: &str) -> Result<(), SumError> {
        self.payments.contains_key(id).then_some(()).ok_or(SumError::PaymentNotListed)
    }

    /// Whether any listed payment says that some of it was refunded.
    pub(super) fn has_refunds(&self) -> bool {
        self.payments.values().any(|payment| payment.is_refunded)
    }

    /// Whether any listed payment says that it was disputed.
    pub(super) fn has_disputes(&self) -> bool {
        self.payments.values().any(|payment| payment.is_disputed)
    }

    /// The sums by currency.
    ///
    /// # Errors
    /// Why they are not certain: then none is better than a wrong one.
    pub fn value(&self) -> Result<LifetimeValue, SumError> {
        let mut currencies: BTreeMap<&str, Account> = BTreeMap::new();
        for (id, payment) in self.payments.iter().filter(|(_, payment)| payment.amount > 0) {
            let account = currencies.entry(&payment.currency).or_default();
            let left = self.left_of(id, payment)?;
            account.minor = account.minor.checked_add(left).ok_or(SumError::TooLarge)?;
            account.count += 1;
            account.newest = account.newest.max(payment.created_at);
        }
        let paid = || self.payments.values().filter(|payment| payment.amount > 0);
        let mut accounts: Vec<_> = currencies.into_iter().collect();
        accounts.sort_by_key(|(_, account)| Reverse((account.count, account.newest)));
        let sum = |(currency, account): (&str, Account)| Sum {
            currency: currency.to_owned(),
            minor: account.minor,
        };
        Ok(LifetimeValue {
            sums: accounts.into_iter().take(MAX_CURRENCIES).map(sum).collect(),
            payments_count: paid().count(),
            first_payment_date: paid().filter_map(|payment| payment.created_at).min(),
        })
    }

    /// What is left of a payment after its refunds and lost disputes.
    fn left_of(&self, id: &str, payment: &Payment) -> Result<i64, SumError> {
        let mut left = payment.amount;
        for refund in self.refunds.values().filter(|refund| refund.payment_id == id) {
            if refund.currency.as_ref().is_some_and(|currency| *currency != payment.currency) {
                return Err(SumError::OtherCurrency);
            }
            let refunded = match refund.amount {
                Some(amount) => amount,
                None if refund.is_partial => return Err(SumError::PartialRefundWithoutAmount),
                None => payment.amount,
            };
            left = left.checked_sub(refunded).ok_or(SumError::TooLarge)?;
        }
        let lost = |dispute: &&Dispute| dispute.state == DisputeState::Lost;
        let of_payment = self.disputes.values().filter(|dispute| dispute.payment_id == id);
        for dispute in of_payment.filter(lost) {
            if dispute.currency != payment.currency {
                return Err(SumError::OtherCurrency);
            }
            left = left.checked_sub(dispute.amount).ok_or(SumError::TooLarge)?;
        }
        Ok(left)
    }
}

#[derive(Default)]
struct Account {
    minor: i64,
    count: usize,
    newest: Option<u64>,
}

fn payment(item: &Object) -> Option<(String, Payment)> {
    let is_set = |field| item.get(field).is_some_and(|value| !value.is_null());
    // Lists leave the flag out today; an update of a payment method is no purchase.
    let is_update = item.get("is_update_payment_method").and_then(lenient::flag) == Some(true);
    let amount = lenient::integer(item.get("total_amount")?)?;
    let payment = Payment {
        amount: if is_update { 0 } else { amount },
        currency: currency(item)?,
        created_at: item.get("created_at").and_then(date::unix_seconds),
        is_refunded: is_set("refund_status"),
        is_disputed: is_set("dispute_status"),
    };
    Some((lenient::string(item.get("payment_id")?)?, payment))
}

fn refund(item: &Object) -> Option<(String, Refund)> {
    let refund = Refund {
        payment_id: lenient::string(item.get("payment_id")?)?,
        amount: item.get("amount").and_then(lenient::integer),
        currency: currency(item),
        is_partial: item.get("is_partial").and_then(lenient::flag).unwrap_or(true),
    };
    Some((lenient::string(item.get("refund_id")?)?, refund))
}

fn dispute(item: &Object) -> Option<(String, Dispute)> {
    let currency = currency(item)?;
    let status = lenient::string(item.get("dispute_status")?)?.to_ascii_lowercase();
    let dispute = Dispute {
        payment_id: lenient::string(item.get("payment_id")?)?,
        amount: money::minor_or_decimal(item.get("amount")?, &currency)?,
        currency,
        state: match status.trim_start_matches("dispute_") {
            "lost" | "accepted" => DisputeState::Lost,
            "won" | "expired" | "cancelled" => DisputeState::Kept,
            _ => DisputeState::Open,
        },
    };
    Some((lenient::string(item.get("dispute_id")?)?, dispute))
}

fn currency(item: &Object) -> Option<String> {
    Some(lenient::string(item.get("currency")?)?.to_ascii_uppercase())
}

#[cfg(test)]
mod tests;

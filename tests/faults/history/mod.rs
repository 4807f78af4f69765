//! A seeded history of 500 customers, delivered late, twice and out of order while both APIs fail now and
//! then. In the end every person at Customer.io is as the history says, and nobody else is there.
//!
//! [`generate`] writes the history; [`truth`] says what should be known of each person, computed from the
//! history alone; [`deliver`] sends the webhooks through the function; [`compare`] finds the differences.

mod backfill;
mod campaigns;
mod compare;
mod customers;
mod deliver;
mod generate;
mod identity;
mod payments;
mod state;
mod subscriptions;
mod sums;
mod truth;
mod upstream;

use deliver::Run;
use stand_ins::customerio::LateIdentify;

const SEED: u64 = 12;
const CUSTOMERS: usize = 500;

/// `PERSON_IDENTIFIER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    CustomerId,
    Email,
    Metadata,
}

/// How the function is set up, and how Customer.io orders what is late.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub mode: Mode,
    pub has_key: bool,
    pub late: LateIdentify,
}

impl Case {
    fn with_key(mode: Mode) -> Self {
        Self { mode, has_key: true, late: LateIdentify::ByAttribute }
    }

    fn without_key(mode: Mode) -> Self {
        Self { has_key: false, ..Self::with_key(mode) }
    }
}

/// In the end everything is known.
async fn everything_is_known(case: Case) {
    let run = Run::of(case, SEED, CUSTOMERS).await;
    println!("{case:?}: {}", run.report());
    compare::assert_equal(&run);
    compare::assert_objects(&run);
}

#[tokio::test]
async fn by_customer_id_everything_is_known_in_the_end() {
    everything_is_known(Case::with_key(Mode::CustomerId)).await;
}

#[tokio::test]
async fn by_email_everything_is_known_in_the_end_of_all_customers_with_an_address() {
    everything_is_known(Case::with_key(Mode::Email)).await;
}

#[tokio::test]
async fn by_own_id_everything_is_known_in_the_end() {
    everything_is_known(Case::with_key(Mode::Metadata)).await;
}

#[tokio::test]
async fn without_a_key_all_that_webhooks_say_is_known_by_customer_id() {
    everything_is_known(Case::without_key(Mode::CustomerId)).await;
}

#[tokio::test]
async fn without_a_key_all_that_webhooks_say_is_known_by_email() {
    everything_is_known(Case::without_key(Mode::Email)).await;
}

#[tokio::test]
async fn without_a_key_all_that_webhooks_say_is_known_by_own_id() {
    everything_is_known(Case::without_key(Mode::Metadata)).await;
}

/// If Customer.io drops late updates whole, some of it never arrives; but nothing goes back in time.
async fn nothing_older_replaces_newer(case: Case) {
    let case = Case { late: LateIdentify::Dropped, ..case };
    let run = Run::of(case, SEED + 1, CUSTOMERS / 4).await;
    println!("{case:?}: {}", run.report());
    compare::assert_forward(&run);
}

#[tokio::test]
async fn nothing_older_replaces_newer_if_late_updates_are_dropped() {
    for mode in [Mode::CustomerId, Mode::Email, Mode::Metadata] {
        nothing_older_replaces_newer(Case::with_key(mode)).await;
        nothing_older_replaces_newer(Case::without_key(mode)).await;
    }
}

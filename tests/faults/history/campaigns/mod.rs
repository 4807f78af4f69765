//! The campaigns of `docs/campaigns`, run over everything that the function sends for the history, and
//! their mails, rendered from what it sends for the samples.
//!
//! [`promise`] says who gets what by the sentence of each page, computed from the history alone.

mod promise;
mod samples;
mod sent;

use super::generate::History;
use super::{CUSTOMERS, Case, Mode, SEED};
use fastrand::Rng;
use promise::promised;
use recipes::{Recipe, Vocabulary};
use sent::{Sent, everything_sent};
use std::collections::BTreeMap;

/// Mails by person, time and name, and how often.
type Mails = BTreeMap<(String, u64, String), usize>;

fn history(case: Case, customers: usize) -> History {
    History::random(&mut Rng::with_seed(SEED), customers, case.mode == Mode::Email)
}

fn mails(recipe: &Recipe, sent: &Sent) -> Mails {
    let mails = recipes::run(recipe, &sent.items, &Vocabulary::read()).unwrap();
    let mut counted = Mails::new();
    for mail in mails {
        *counted.entry((mail.person, mail.at, mail.mail)).or_default() += 1;
    }
    counted
}

/// The first differences, for people.
fn differences(made: &Mails, promised: &Mails) -> Vec<String> {
    let keys = made.keys().chain(promised.keys().filter(|key| !made.contains_key(key)));
    let differ = keys.filter(|key| made.get(key) != promised.get(key));
    differ
        .map(|key| format!("{key:?}: {:?}, promised {:?}", made.get(key), promised.get(key)))
        .take(5)
        .collect()
}

async fn everybody_gets_what_is_promised(case: Case) {
    let history = history(case, CUSTOMERS);
    let sent = everything_sent(case, &history, "live").await;
    for recipe in recipes::recipes().unwrap() {
        let (made, promised) = (mails(&recipe, &sent), promised(&recipe.name, case, &history));
        let wrong = differences(&made, &promised);
        assert!(wrong.is_empty(), "{case:?}, {}:\n{}", recipe.name, wrong.join("\n"));
        let needs_key = match recipe.name.as_str() {
            "cancelled" | "abandoned-checkout" => true,
            "delivery" => case.mode != Mode::CustomerId,
            _ => false,
        };
        assert_eq!(made.is_empty(), needs_key && !case.has_key, "{case:?}, {}", recipe.name);
        println!("{case:?}, {}: {} mails", recipe.name, made.values().sum::<usize>());
    }
}

#[tokio::test]
async fn by_customer_id_everybody_gets_the_mails_that_are_promised() {
    everybody_gets_what_is_promised(Case::with_key(Mode::CustomerId)).await;
    everybody_gets_what_is_promised(Case::without_key(Mode::CustomerId)).await;
}

#[tokio::test]
async fn by_email_everybody_gets_the_mails_that_are_promised() {
    everybody_gets_what_is_promised(Case::with_key(Mode::Email)).await;
    everybody_gets_what_is_promised(Case::without_key(Mode::Email)).await;
}

#[tokio::test]
async fn by_own_id_everybody_gets_the_mails_that_are_promised() {
    everybody_gets_what_is_promised(Case::with_key(Mode::Metadata)).await;
    everybody_gets_what_is_promised(Case::without_key(Mode::Metadata)).await;
}

#[tokio::test]
async fn test_purchases_bring_no_mail() {
    let case = Case::with_key(Mode::CustomerId);
    let sent = everything_sent(case, &history(case, 80), "test").await;
    assert!(sent.items.len() > 500, "{}", sent.items.len());
    for recipe in recipes::recipes().unwrap() {
        assert_eq!(mails(&recipe, &sent), Mails::new(), "{}", recipe.name);
    }
}

/// What each page says goes wrong without a line of its campaign does go wrong in the history.
#[tokio::test]
async fn without_its_filters_each_campaign_mails_the_wrong_people() {
    let case = Case::with_key(Mode::CustomerId);
    let history = history(case, CUSTOMERS / 2);
    let sent = everything_sent(case, &history, "live").await;
    for (name, line) in [
        ("welcome", "- Event filter: `payment_amount_minor` is greater than `0`\n"),
        ("receipt", "- Event filter: `payment_amount_minor` is greater than `0`\n"),
        ("renewed", "- Event filter: `is_first_billing` is equal to `false`\n"),
        ("renewed", "- Event filter: `status` is equal to `active`\n"),
        ("subscription-started", "- Event filter: `is_first_billing` is equal to `true`\n"),
        ("subscription-started", "- Event filter: `trial_period_days` is equal to `0`\n"),
        ("trial-ends", "- Event filter: `trial_period_days` is greater than `0`\n"),
        ("trial-ends", "- Person filter: in segment `Active and going on`\n"),
        ("dunning", "- Person filter: in segment `On hold`\n"),
        ("cancelled", "- Person filter: in segment `No active plan`\n"),
        ("card-expires", "- Person filter: in segment `Active plan`\n"),
        (
            "abandoned-checkout",
            "- Wait until: event `Payment Completed`, which ends the journey; 1 hour at most\n",
        ),
    ] {
        let file = format!("docs/campaigns/{name}.md");
        let path = stand_ins::project::project_file(&file);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(line), "{name}: {line}");
        let without = recipes::recipe(&file, &text.replacen(line, "", 1)).unwrap();
        assert_ne!(mails(&without, &sent), promised(name, case, &history), "{name} without {line}");
    }
}

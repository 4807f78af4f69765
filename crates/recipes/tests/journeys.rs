//! Who gets which mail when, in short lives of one person.

use recipes::{Arrived, SentMail, Vocabulary, recipe, recipes, run};
use serde_json::{Value, json};

/// 20 November 2026, in Unix seconds.
const START: u64 = 1_795_132_800;
const DAY: u64 = 86_400;

/// What a person becomes, so many days after the start.
fn is(days: u64, attributes: Value) -> Arrived {
    let (item, at) = (item("identify", attributes), START + days * DAY);
    Arrived { item, at }
}

/// What a person does, so many days after the start.
fn does(days: u64, name: &str, mut attributes: Value) -> Arrived {
    attributes["dodo_environment"] = "live".into();
    let (mut item, at) = (item("event", attributes), START + days * DAY);
    item["name"] = name.into();
    item["timestamp"] = at.into();
    Arrived { item, at }
}

fn item(action: &str, attributes: Value) -> Value {
    let identifiers = json!({"id": "cus_1"});
    json!({"type": "person", "identifiers": identifiers, "action": action, "attributes": attributes})
}

fn sent(name: &str, items: &[Arrived]) -> Vec<SentMail> {
    let all = recipes().unwrap();
    let recipe = all.iter().find(|recipe| recipe.name == name).unwrap();
    run(recipe, items, &Vocabulary::read()).unwrap()
}

/// Mails with their days after the start.
fn mails(name: &str, items: &[Arrived]) -> Vec<(String, u64)> {
    let sent = sent(name, items).into_iter();
    sent.map(|mail| (mail.mail, (mail.at - START) / DAY)).collect()
}

fn due(mails: &[(&str, u64)]) -> Vec<(String, u64)> {
    mails.iter().map(|(name, day)| ((*name).to_owned(), *day)).collect()
}

#[test]
fn dunning_has_three_steps_and_stops_when_the_charge_recovers() {
    let on_hold = [
        is(0, json!({"subscription_status": "on_hold"})),
        does(0, "Subscription On Hold", json!({"subscription_id": "sub_1"})),
    ];
    let all = due(&[("first", 0), ("second", 3), ("third", 7)]);
    assert_eq!(mails("dunning", &on_hold), all);
    for (day, status) in [(2, "active"), (2, "cancelled"), (2, "past_due")] {
        let ended = [
            on_hold[0].clone(),
            on_hold[1].clone(),
            is(day, json!({"subscription_status": status})),
        ];
        assert_eq!(mails("dunning", &ended), due(&[("first", 0)]), "{status}");
    }
    let after_two = [&on_hold[..], &[is(5, json!({"subscription_status": "active"}))]].concat();
    assert_eq!(mails("dunning", &after_two), due(&[("first", 0), ("second", 3)]));
}

#[test]
fn who_has_another_active_plan_is_not_dunned() {
    let items = [
        is(0, json!({"subscription_status": "active"})),
        does(0, "Subscription On Hold", json!({"subscription_id": "sub_1"})),
    ];
    assert_eq!(mails("dunning", &items), []);
}

#[test]
fn nobody_who_pays_is_won_back() {
    let gone = json!({"subscription_status": "cancelled", "active_subscriptions": 0});
    let pays = json!({"subscription_status": "active", "active_subscriptions": 1});
    let cancels = |known: &Value| {
        [is(0, known.clone()), does(0, "Subscription Cancelled", json!({}))].to_vec()
    };
    assert_eq!(mails("cancelled", &cancels(&gone)), due(&[("cancelled", 0), ("win-back", 30)]));
    assert_eq!(mails("cancelled", &cancels(&pays)), []);
    let back = [cancels(&gone), vec![is(9, pays)]].concat();
    assert_eq!(mails("cancelled", &back), due(&[("cancelled", 0)]));
    // Without a key there is no count.
    assert_eq!(mails("cancelled", &cancels(&json!({"subscription_status": "cancelled"}))), []);
}

#[test]
fn nobody_is_thanked_for_renewing_on_day_one() {
    let renewed = |first: bool, status: &str| {
        does(0, "Subscription Renewed", json!({"is_first_billing": first, "status": status}))
    };
    assert_eq!(mails("renewed", &[renewed(true, "active")]), []);
    assert_eq!(mails("renewed", &[renewed(false, "past_due")]), []);
    assert_eq!(mails("renewed", &[renewed(false, "active")]), due(&[("renewed", 0)]));
}

#[test]
fn a_card_is_reminded_of_before_its_last_month_and_a_new_card_moves_that() {
    let card = |year: &str, month: &str| json!({"card_exp_year": year, "card_exp_month": month, "subscription_id": "sub_1"});
    let pays = [
        is(0, json!({"subscription_status": "active"})),
        does(0, "Payment Completed", card("2027", "02")),
    ];
    // 28 days before 2 February 2027 is 5 January.
    assert_eq!(mails("card-expires", &pays), due(&[("card-expires", 46)]));
    let sent = sent("card-expires", &pays);
    assert_eq!(sent[0].customer["card_expires_at"], 1_801_526_400);
    let changes = [&pays[..], &[does(9, "Payment Method Updated", card("2027", "04"))]].concat();
    assert_eq!(mails("card-expires", &changes), due(&[("card-expires", 105)]));
    // February is the shortest: 28 days before 2 March is 2 February.
    let march = [pays[0].clone(), does(0, "Payment Completed", card("2027", "03"))];
    assert_eq!(mails("card-expires", &march), due(&[("card-expires", 74)]));
    let cancels = [&pays[..], &[is(9, json!({"subscription_status": "cancelled"}))]].concat();
    assert_eq!(mails("card-expires", &cancels), []);
}

#[test]
fn a_payment_ends_the_reminder_of_a_checkout() {
    let leaves = |status: &str| {
        let link = "https://example.com/";
        does(0, "Abandoned Checkout Detected", json!({"payment_link": link, "status": status}))
    };
    let left = leaves("abandoned");
    assert_eq!(
        mails("abandoned-checkout", std::slice::from_ref(&left)),
        due(&[("abandoned-checkout", 0)])
    );
    let mut paid = does(0, "Payment Completed", json!({}));
    paid.at += 600;
    assert_eq!(mails("abandoned-checkout", &[left, paid]), []);
    for status in ["recovered", "opted_out"] {
        assert_eq!(mails("abandoned-checkout", &[leaves(status)]), [], "{status}");
    }
    let without_link = does(0, "Abandoned Checkout Detected", json!({"status": "abandoned"}));
    assert_eq!(mails("abandoned-checkout", &[without_link]), []);
}

#[test]
fn a_trial_that_was_cancelled_is_not_told_of_a_charge() {
    let begins = [
        is(0, json!({"subscription_status": "active", "cancel_at_next_billing": false})),
        does(
            0,
            "Subscription Started",
            json!({"trial_period_days": 14, "next_billing": START + 14 * DAY}),
        ),
    ];
    assert_eq!(mails("trial-ends", &begins), due(&[("trial-ends", 11)]));
    let ends = [&begins[..], &[is(3, json!({"cancel_at_next_billing": true}))]].concat();
    assert_eq!(mails("trial-ends", &ends), []);
}

#[test]
fn late_events_and_test_purchases_start_nothing() {
    let paid = || does(0, "Payment Completed", json!({"payment_amount_minor": 2900}));
    assert_eq!(mails("welcome", &[paid(), paid()]), due(&[("welcome", 0)]));
    assert_eq!(mails("receipt", &[paid(), paid()]), due(&[("receipt", 0), ("receipt", 0)]));
    let mut late = paid();
    late.at += 3 * DAY + 1;
    assert_eq!(mails("receipt", &[late]), []);
    let mut test = paid();
    test.item["attributes"]["dodo_environment"] = "test".into();
    assert_eq!(mails("receipt", &[test]), []);
}

/// A segment is asked when a mail is due, not only in the beginning, and only if the page says so.
#[test]
fn an_exit_that_never_comes_early_lets_everybody_finish() {
    let page = include_str!("../../../docs/campaigns/dunning.md")
        .replace("when they stop matching the filters\n\n##", "never early\n\n##");
    let recipe = recipe("docs/campaigns/dunning.md", &page).unwrap();
    let items = [
        is(0, json!({"subscription_status": "on_hold"})),
        does(0, "Subscription On Hold", json!({})),
        is(1, json!({"subscription_status": "active"})),
    ];
    assert_eq!(run(&recipe, &items, &Vocabulary::read()).unwrap().len(), 3);
}

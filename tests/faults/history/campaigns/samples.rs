//! Every mail, rendered from what the function sends for every sample that starts its campaign, with and
//! without a key, in each identity mode.
//!
//! To accept a change of the mails: `INSTA_UPDATE=always cargo test --test faults campaigns::samples`.

use super::super::sums;
use super::super::truth::unix;
use super::sent::Sender;
use super::{Case, Mode};
use crate::clock::SECOND;
use recipes::{Arrived, Campaign, Recipe, Rendered, Step, Trigger, Vocabulary, to_text};
use serde_json::{Map, Value, json};
use stand_ins::dodo::{Sample, sample, samples};
use std::collections::BTreeMap;

/// The products of the samples, and one that has no name.
const PRODUCTS: [(&str, Option<&str>); 3] = [
    ("pdt_eNTKArcrt8eTbt6wnFnJ", Some("Atlas & Co")),
    ("pdt_J0TWgzBmtFR7RdWJZjad", Some("Plus")),
    (NAMELESS, None),
];

const NAMELESS: &str = "pdt_nameless";

/// What a sample becomes: attributes of its event and of its person.
struct Sent {
    event_name: String,
    event: Map<String, Value>,
    customer: Map<String, Value>,
    items: Vec<Value>,
}

/// A mail by recipe, sample and its own name.
type Mails = BTreeMap<(String, String, String), Rendered>;

/// The samples, and what they lack: a trial, and people whose name is missing or looks like HTML.
fn all_samples() -> Vec<Sample> {
    let changed = [
        ("subscription.active", "with a trial", "/data/trial_period_days", json!(14)),
        ("payment.succeeded", "without a name", "/data/customer/name", Value::Null),
        ("payment.succeeded", "with an empty name", "/data/customer/name", json!("")),
        ("payment.succeeded", "with a name of HTML", "/data/customer/name", json!("Ada <b> & Co")),
        ("payment.succeeded", "for a subscription", "/data/subscription_id", json!("sub_1")),
        (
            "payment.succeeded.two_products",
            "one without a name",
            "/data/product_cart/1/product_id",
            json!(NAMELESS),
        ),
        ("refund.succeeded", "without an amount", "/data/amount", Value::Null),
        ("license_key.created", "for one device", "/data/activations_limit", json!(1)),
    ];
    let changed = changed.into_iter().map(|(name, what, field, value)| {
        let mut changed = sample(name).unwrap();
        changed.name = format!("{name}, {what}");
        *changed.event.pointer_mut(field).unwrap() = value;
        changed
    });
    samples().into_iter().chain(changed).collect()
}

/// The payment of the abandoned checkout as it was by then.
fn abandoned_payment() -> Value {
    let abandoned = sample("abandoned_checkout.detected").unwrap().event;
    let mut event = sample("payment.processing").unwrap().event;
    event["timestamp"] = abandoned["timestamp"].clone();
    event["data"]["payment_id"] = abandoned["data"]["payment_id"].clone();
    event["data"]["customer"]["customer_id"] = abandoned["data"]["customer_id"].clone();
    event["data"]["payment_link"] = "https://checkout.example.com/pay_HbZCC".into();
    event
}

async fn sent(case: Case) -> Vec<(Sample, Sent)> {
    let mut sender = Sender::start(case, "live").await;
    for sample in samples() {
        sender.dodo_api.state().happened(&sample.event);
    }
    sender.dodo_api.state().happened(&abandoned_payment());
    for (product, name) in PRODUCTS {
        sender.dodo_api.state().sell(product, name);
    }
    let mut all = Vec::new();
    for sample in all_samples() {
        let at = unix(&sample.event["timestamp"]).unwrap().as_u64().unwrap();
        let items = sender.send((at + 1) * SECOND, &sample.event).await;
        all.extend(of_items(items).map(|sent| (sample, sent)));
    }
    all
}

fn of_items(items: Vec<Value>) -> Option<Sent> {
    let event = items.iter().find(|it| it["action"] == "event")?;
    let identifies = items.iter().filter(|it| it["type"] == "person" && it["action"] == "identify");
    let known = identifies.filter_map(|it| it["attributes"].as_object()).flatten();
    let known = known.filter(|(_, value)| **value != "");
    Some(Sent {
        event_name: event["name"].as_str()?.to_owned(),
        event: event["attributes"].as_object()?.clone(),
        customer: known.map(|(name, value)| (name.clone(), value.clone())).collect(),
        items,
    })
}

fn is_started_by(campaign: &Campaign, sent: &Sent) -> bool {
    campaign.trigger.value == Trigger::Event(sent.event_name.clone())
        && campaign.event_filters.iter().all(|filter| filter.value.holds(&sent.event))
}

/// The mails of all campaigns that a sample starts, whatever the segments say.
fn render(recipe: &Recipe, sample: &Sample, sent: &Sent, mails: &mut Mails) {
    let vocabulary = Vocabulary::read();
    for campaign in recipe.campaigns.iter().filter(|it| is_started_by(it, sent)) {
        for step in &campaign.steps {
            let Step::Send(name) = &step.value else { continue };
            let mail = recipe.mails.iter().find(|mail| mail.name == *name).unwrap();
            let rendered = mail.render(&sent.event, &sent.customer, &vocabulary);
            let rendered = rendered.unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            check(&rendered, &mail.body.value, sent, &format!("{} {name}", sample.name));
            mails.insert((recipe.name.clone(), sample.name.clone(), name.clone()), rendered);
        }
    }
}

/// What no mail may look like.
fn check(rendered: &Rendered, template: &str, sent: &Sent, place: &str) {
    let text = format!("{}\n{}", rendered.subject, to_text(&rendered.body));
    for wrong in ["{{", "{%", "Hello ,", "nil", "null", "  ,"] {
        assert!(!text.contains(wrong), "{place}: {wrong} in {text}");
    }
    assert!(!rendered.subject.is_empty() && !rendered.subject.contains('\n'), "{place}");
    let numbers = text.split(|it: char| !it.is_ascii_alphanumeric());
    let unix_times: Vec<_> = numbers
        .filter(|it| it.len() == 10 && it.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    assert!(unix_times.is_empty(), "{place}: {unix_times:?} in {text}");
    for name in ["payment_amount", "amount"] {
        let (Some(amount), true) =
            (sent.event.get(name), template.contains(&format!("event.{name} }}}}")))
        else {
            continue;
        };
        let currency = sent.event["currency"].as_str().unwrap();
        let minor = sent.event[&format!("{name}_minor")].as_i64().unwrap();
        assert_eq!(*amount, sums::decimal(minor, currency), "{place}");
        let expected = format!("{} {currency}", amount.as_str().unwrap());
        assert!(text.contains(&expected), "{place}: no {expected} in {text}");
    }
}

async fn all_mails(case: Case) -> Mails {
    let (mut mails, sent) = (Mails::new(), sent(case).await);
    for recipe in recipes::recipes().unwrap() {
        for (sample, sent) in &sent {
            render(&recipe, sample, sent, &mut mails);
        }
        mails.extend(by_date(&recipe, &sent));
    }
    mails
}

/// Mails that a date starts, for the samples that set it.
fn by_date(recipe: &Recipe, sent: &[(Sample, Sent)]) -> Mails {
    let mut mails = Mails::new();
    if !recipe.campaigns.iter().any(|it| matches!(it.trigger.value, Trigger::Date(..))) {
        return mails;
    }
    let vocabulary = Vocabulary::read();
    for (sample, sent) in sent {
        let mut items = sent.items.clone();
        let mut status = items[0].clone();
        status["action"] = "identify".into();
        status["attributes"] = json!({"subscription_status": "active"});
        items.insert(0, status);
        let arrived = items.into_iter().map(|item| Arrived { item, at: 1_795_000_000 });
        let due = recipes::run(recipe, &arrived.collect::<Vec<_>>(), &vocabulary).unwrap();
        for due in due {
            let mail = recipe.mails.iter().find(|mail| mail.name == due.mail).unwrap();
            let rendered = mail.render(&due.event, &due.customer, &vocabulary).unwrap();
            check(&rendered, &mail.body.value, sent, &sample.name);
            mails.insert((recipe.name.clone(), sample.name.clone(), due.mail), rendered);
        }
    }
    mails
}

/// For reviewers: the mails of one recipe, those that a key changes twice.
fn shown(recipe: &str, with_key: &Mails, without_key: &Mails) -> String {
    let own = with_key.iter().filter(|(key, _)| key.0 == recipe);
    let variants = own.flat_map(|(key, rendered)| match without_key.get(key) {
        Some(other) if other == rendered => vec![show(key, rendered, "with or without a key")],
        other => {
            let other = other.map(|other| show(key, other, "without a key"));
            [show(key, rendered, "with a key")].into_iter().chain(other).collect()
        }
    });
    variants.collect()
}

fn show(key: &(String, String, String), rendered: &Rendered, what: &str) -> String {
    let lines = rendered.body.lines().filter(|line| !line.trim().is_empty());
    let body = lines.collect::<Vec<_>>().join("\n");
    format!("=== {}, {what}: {}\n{}\n\n{body}\n\n", key.1, key.2, rendered.subject)
}

#[tokio::test]
async fn every_mail_for_every_sample() {
    let with_key = all_mails(Case::with_key(Mode::CustomerId)).await;
    let without_key = all_mails(Case::without_key(Mode::CustomerId)).await;
    for recipe in recipes::recipes().unwrap() {
        let text = shown(&recipe.name, &with_key, &without_key);
        for mail in &recipe.mails {
            assert!(text.contains(&format!(": {}\n", mail.name)), "no sample for {}", mail.name);
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(recipe.name, text);
        });
    }
}

/// By another identity, nothing but the person's own attributes differs, and every mail still renders.
#[tokio::test]
async fn every_mail_renders_in_each_identity_mode() {
    let by_id = all_mails(Case::with_key(Mode::CustomerId)).await;
    for mode in [Mode::Email, Mode::Metadata] {
        let with_key = all_mails(Case::with_key(mode)).await;
        assert_eq!(
            with_key.keys().collect::<Vec<_>>(),
            by_id.keys().collect::<Vec<_>>(),
            "{mode:?}"
        );
        let without_key = all_mails(Case::without_key(mode)).await;
        assert!(without_key.len() > by_id.len() / 2, "{mode:?}: {}", without_key.len());
    }
}

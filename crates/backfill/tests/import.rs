//! From the local Dodo API to the local Customer.io, through the library and through the program.

use backfill::{Arguments, Error, Options, Quiet, Reply, Summary, Terminal};
use clap::Parser;
use serde_json::{Value, json};
use stand_ins::clock::Clock;
use stand_ins::customerio::CustomerIo;
use stand_ins::dodo_api::{Beyond, DodoApi, PageCap, RateLimit};
use stand_ins::fault::Fault;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const KEY: &str = "dodo_test_key";

/// Both services, and a folder that is removed with them.
struct World {
    dodo: DodoApi,
    customerio: CustomerIo,
    folder: PathBuf,
}

impl World {
    async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("backfill-test-{}-{number}", std::process::id());
        Self {
            dodo: DodoApi::start(KEY).await.unwrap(),
            customerio: CustomerIo::start(0, "site", "key").await.unwrap(),
            folder: std::env::temp_dir().join(name),
        }
    }

    fn environment(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let folder = self.folder.display().to_string();
        let own = [
            ("DODO_API_KEY", KEY.to_owned()),
            ("DODO_API_URL", self.dodo.url()),
            ("CUSTOMERIO_SITE_ID", "site".to_owned()),
            ("CUSTOMERIO_API_KEY", "key".to_owned()),
            ("CUSTOMERIO_TRACK_URL", self.customerio.url()),
            ("BACKFILL_FOLDER", folder),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        more.chain(own).collect()
    }

    fn options(&self, arguments: &[&str], more: &[(&str, &str)]) -> Options {
        let unlimited = ["backfill", "--rate=0", "--calls-a-minute=0", "--yes"];
        let arguments = Arguments::parse_from([&unlimited[..], arguments].concat());
        let environment = self.environment(more);
        let options = Options::read(&arguments, |name| {
            environment.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone())
        });
        options.unwrap()
    }

    async fn import(&self, arguments: &[&str], more: &[(&str, &str)]) -> Result<Summary, Error> {
        backfill::run(&self.options(arguments, more), &mut Quiet).await
    }

    /// With what was said.
    async fn import_and_read(&self, arguments: &[&str]) -> (Summary, String) {
        let mut heard = Heard::default();
        let summary = backfill::run(&self.options(arguments, &[]), &mut heard).await.unwrap();
        (summary, heard.0)
    }

    /// The attributes of a person.
    fn person(&self, name: &str) -> Value {
        let state = self.customerio.state();
        let person = state.people.find(name).unwrap_or_else(|| panic!("{name} is not there"));
        json!(person.attributes)
    }

    fn people(&self) -> usize {
        self.customerio.state().people.profiles().len()
    }

    /// What happened to customers, a fortnight ago and before.
    fn happened(&self, event_type: &str, at: &str, data: Value) {
        let event = json!({"type": event_type, "timestamp": at, "data": data});
        self.dodo.state().happened(&event);
    }

    fn pay(&self, customer: &str, id: &str, at: &str, amount: u64) {
        let data = json!({
            "payment_id": id, "status": "succeeded", "total_amount": amount, "currency": "EUR",
            "created_at": at, "metadata": {}, "subscription_id": null,
            "customer": {"customer_id": customer, "email": format!("{customer}@example.com"), "name": "Ada"},
        });
        self.happened("payment.succeeded", at, data);
    }

    fn subscribe(&self, customer: &str, id: &str, status: &str, at: &str) {
        let data = json!({
            "subscription_id": id, "status": status, "product_id": "prod_1", "currency": "EUR",
            "recurring_pre_tax_amount": 900, "created_at": at, "next_billing_date": "2026-12-01T00:00:00Z",
            "cancel_at_next_billing_date": false, "metadata": {},
            "cancelled_at": (status == "cancelled").then_some("2026-09-09T09:00:00Z"),
            "customer": {"customer_id": customer, "email": format!("{customer}@example.com"), "name": "Ada"},
        });
        self.happened("subscription.active", at, data);
    }
}

/// Keeps what is said.
#[derive(Default)]
struct Heard(String);

impl Terminal for Heard {
    fn say(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn ask(&mut self, _: &str) -> Reply {
        Reply::Nobody
    }

    fn begin(&mut self, _: &'static str, _: u64) {}

    fn advance(&mut self, _: u64, _: &str) {}

    fn end(&mut self) {}
}

impl Drop for World {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A customer with two payments, a refund and two subscriptions, one with a failed payment, one without any.
async fn small_history() -> World {
    let world = World::new().await;
    world.dodo.state().sell("prod_1", Some("Pro"));
    world.pay("cus_1", "pay_1", "2026-03-01T10:00:00Z", 2900);
    world.pay("cus_1", "pay_2", "2026-04-01T10:00:00Z", 1000);
    let refund = json!({
        "refund_id": "ref_1", "payment_id": "pay_1", "status": "succeeded", "amount": 400, "currency": "EUR",
        "is_partial": true, "created_at": "2026-03-02T10:00:00Z", "customer": {"customer_id": "cus_1"},
    });
    world.happened("refund.succeeded", "2026-03-02T10:00:00Z", refund);
    world.subscribe("cus_1", "sub_1", "active", "2026-03-01T10:00:00Z");
    world.subscribe("cus_1", "sub_2", "cancelled", "2026-05-01T10:00:00Z");
    let failed = json!({
        "payment_id": "pay_3", "status": "failed", "total_amount": 500, "currency": "USD",
        "created_at": "2026-06-01T10:00:00Z",
        "customer": {"customer_id": "cus_2", "email": "Grace@Example.com", "name": "Grace"},
    });
    world.happened("payment.failed", "2026-06-01T10:00:00Z", failed);
    world.dodo.state().know("cus_3", "nobody@example.com", "Nobody", "2026-02-01T10:00:00Z");
    world
}

#[tokio::test]
async fn people_get_what_webhooks_would_have_set() {
    let world = small_history().await;
    let summary = world.import(&[], &[]).await.unwrap();
    assert_eq!((summary.people, summary.events, summary.refused), (2, 0, 0));
    assert_eq!((world.people(), summary.read["payments"]), (2, 3));
    let ada = world.person("cus_1");
    for (name, value) in [
        ("email", json!("cus_1@example.com")),
        ("name", json!("Ada")),
        ("dodo_customer_id", json!("cus_1")),
        ("last_payment_date", json!(1_775_037_600)),
        ("last_payment_amount", json!("10.00")),
        ("last_payment_status", json!("succeeded")),
        ("total_spent_eur_minor", json!(3500)),
        ("payments_count", json!(2)),
        ("first_payment_date", json!(1_772_359_200)),
        ("subscription_id", json!("sub_1")),
        ("subscription_status", json!("active")),
        ("subscription_product_name", json!("Pro")),
        ("active_subscriptions", json!(1)),
    ] {
        assert_eq!(ada[name], value, "{name} in {ada}");
    }
    let grace = world.person("cus_2");
    assert_eq!(
        (&grace["last_payment_status"], &grace["total_spent"]),
        (&json!("failed"), &Value::Null)
    );
    assert!(!world.folder.exists(), "the files are removed");
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_counts_nothing_twice() {
    let world = small_history().await;
    let history = ["--events", "--until=2026-11-01"];
    let first = world.import(&history, &[]).await.unwrap();
    let events = |world: &World| -> Vec<String> {
        world.customerio.state().people.events().map(|event| event.name.clone()).collect()
    };
    let (names, ada) = (events(&world), world.person("cus_1"));
    assert_eq!(first.events, 6);
    for (name, count) in [
        ("Payment Completed", 2),
        ("Subscription Started", 2),
        ("Subscription Cancelled", 1),
        ("Refund Succeeded", 1),
    ] {
        assert_eq!(names.iter().filter(|it| *it == name).count(), count, "{name} in {names:?}");
    }
    let second = world.import(&history, &[]).await.unwrap();
    assert_eq!(second, first);
    assert_eq!((events(&world), world.person("cus_1")), (names, ada));
}

#[tokio::test]
async fn nothing_of_the_last_three_days_and_nothing_after_the_bound_becomes_an_event() {
    let world = World::new().await;
    let hours_ago = |hours: u64| {
        let then = SystemTime::now() - Duration::from_secs(hours * 3_600);
        let seconds = then.duration_since(UNIX_EPOCH).unwrap().as_secs();
        (seconds, OffsetDateTime::from_unix_timestamp(seconds.cast_signed()).unwrap())
    };
    for (id, hours) in [("pay_1", 100), ("pay_2", 74), ("pay_3", 71), ("pay_4", 1)] {
        let (_, moment) = hours_ago(hours);
        let at = moment.format(&Rfc3339).unwrap();
        world.pay("cus_1", id, &at, 100);
    }
    let until = |hours| format!("--until={}", hours_ago(hours).0);
    assert_eq!(world.import(&["--events", &until(0)], &[]).await.unwrap().events, 2);
    assert_eq!(world.import(&["--events", &until(90)], &[]).await.unwrap().events, 1);
    assert_eq!(world.person("cus_1")["payments_count"], 4, "sums are of everything");
}

#[tokio::test]
async fn the_bound_of_events_filters_nobody_and_what_is_held_back_is_said() {
    let world = World::new().await;
    for (customer, id, at) in [
        ("cus_1", "pay_1", "2026-03-01T10:00:00Z"),
        ("cus_1", "pay_2", "2026-05-01T10:00:00Z"),
        ("cus_2", "pay_3", "2026-05-01T10:00:00Z"),
    ] {
        world.pay(customer, id, at, 100);
    }
    let stack = ["--events", "--events-until=2026-04-01", "--until=2027-01-01"];
    let (summary, said) = world.import_and_read(&stack).await;
    assert_eq!((summary.people, summary.events), (2, 1), "the earlier one bounds events");
    let sentence = "Events end at 2026-04-01 00:00 UTC, when webhooks began to arrive: webhooks have brought what came \
                    since (held back: 2 events).";
    assert!(said.contains(sentence), "{said}");
    let (summary, said) = world.import_and_read(&["--events-until=2026-04-01"]).await;
    assert_eq!((summary.people, summary.events), (2, 0));
    assert!(!said.contains("Events end"), "{said}");
    let earlier = ["--events", "--events-until=2026-06-01", "--until=2026-04-01"];
    let (summary, said) = world.import_and_read(&earlier).await;
    assert_eq!((summary.people, summary.events), (1, 1));
    assert!(said.contains("as UNTIL (--until) says (held back: 1 event)."), "{said}");
}

#[tokio::test]
async fn a_second_run_is_named_for_events_that_are_too_young() {
    let world = World::new().await;
    let hour_ago = OffsetDateTime::from(SystemTime::now() - Duration::from_hours(1));
    world.pay("cus_1", "pay_1", &hour_ago.format(&Rfc3339).unwrap(), 100);
    let (summary, said) = world.import_and_read(&["--events", "--until=2100-01-01"]).await;
    assert_eq!((summary.people, summary.events), (1, 0));
    let day = (hour_ago + Duration::from_hours(72)).date().to_string();
    let again = said.lines().find(|line| line.contains("72 hours, since one so young")).unwrap();
    assert!(
        again.contains(": 1 event. To bring the rest, type the same command again after"),
        "{again}"
    );
    assert!(again.contains(&day) || hour_ago.hour() == 23, "{day} in {again}");
}

#[tokio::test]
async fn customers_with_one_address_are_one_person_in_email_mode() {
    let world = small_history().await;
    {
        let mut dodo = world.dodo.state();
        dodo.know("cus_2", "CUS_1@example.com", "Ada", "2026-01-01T00:00:00Z");
    }
    world.pay("cus_2", "pay_4", "2026-10-01T10:00:00Z", 200);
    let summary = world.import(&[], &[("PERSON_IDENTIFIER", "email")]).await.unwrap();
    assert_eq!(summary.people, 1);
    let ada = world.person("cus_1@example.com");
    assert_eq!((&ada["total_spent_eur_minor"], &ada["payments_count"]), (&json!(3700), &json!(3)));
    assert_eq!(ada["customer_since"], 1_767_225_600);
    assert_eq!(ada["dodo_customer_id"], "cus_2", "of the last event");
}

#[tokio::test]
async fn an_own_id_makes_two_customers_one_person_and_one_customer_two() {
    let world = World::new().await;
    let pay = |customer: &str, id: &str, own: &str, at: &str| {
        let data = json!({
            "payment_id": id, "status": "succeeded", "total_amount": 100, "currency": "EUR", "created_at": at,
            "metadata": {"user_id": own},
            "customer": {"customer_id": customer, "email": format!("{customer}@example.com"), "name": "Ada"},
        });
        world.happened("payment.succeeded", at, data);
    };
    pay("cus_1", "pay_1", "user_1", "2026-03-01T10:00:00Z");
    pay("cus_2", "pay_2", "user_1", "2026-04-01T10:00:00Z");
    pay("cus_2", "pay_3", "user_2", "2026-03-15T10:00:00Z");
    pay("cus_3", "pay_4", "", "2026-03-01T10:00:00Z");
    let summary = world.import(&[], &[("PERSON_IDENTIFIER", "metadata.user_id")]).await.unwrap();
    assert_eq!((summary.people, world.people()), (3, 3));
    let one = world.person("user_1");
    assert_eq!((&one["payments_count"], &one["dodo_customer_id"]), (&json!(2), &json!("cus_2")));
    assert_eq!((&one["email"], &one["name"]), (&Value::Null, &Value::Null));
    assert_eq!(world.person("user_2")["last_payment_date"], 1_773_568_800);
    assert_eq!(world.person("cus_3@example.com")["payments_count"], 1);
}

#[tokio::test]
async fn subscriptions_are_objects_if_they_are_to_be() {
    let world = small_history().await;
    let summary = world.import(&[], &[("SUBSCRIPTION_OBJECT_TYPE", "1")]).await.unwrap();
    assert_eq!(summary.objects, 2);
    let state = world.customerio.state();
    let object = state.people.objects.find("1", "sub_2").unwrap();
    assert_eq!(object.attributes["status"], "cancelled");
    assert!(!object.attributes.contains_key("dodo_webhook_id"), "{object:?}");
    assert_eq!(object.people.len(), 1);
}

#[tokio::test]
async fn who_is_excluded_or_out_of_range_is_not_sent() {
    let world = small_history().await;
    fs::DirBuilder::new().mode(0o700).create(&world.folder).unwrap();
    let file = world.folder.join("deleted");
    fs::write(&file, "# at their wish\nGRACE@example.com\n").unwrap();
    let exclude = format!("--exclude={}", file.display());
    assert_eq!(world.import(&[&exclude], &[]).await.unwrap().people, 1);
    assert_eq!(world.people(), 1);
    assert_eq!(
        world.import(&["--since=2026-06-01", "--until=2026-07-01"], &[]).await.unwrap().people,
        1
    );
    assert_eq!(world.import(&["--until=2026-03-01"], &[]).await.unwrap().people, 0);
}

/// Somebody is left out as a whole, whichever of their names is in the file.
#[tokio::test]
async fn who_is_excluded_is_so_under_every_name() {
    let world = World::new().await;
    let pay = |id: &str, metadata: Value, email: &str, at: &str| {
        let data = json!({
            "payment_id": id, "status": "succeeded", "total_amount": 100, "currency": "EUR", "created_at": at,
            "metadata": metadata, "customer": {"customer_id": "cus_1", "email": email, "name": "Ada"},
        });
        world.happened("payment.succeeded", at, data);
    };
    pay("pay_1", json!({}), "old@example.com", "2026-03-01T10:00:00Z");
    pay("pay_2", json!({"user_id": "user_1"}), "new@example.com", "2026-04-01T10:00:00Z");
    world.dodo.state().know("cus_1", "new@example.com", "Ada", "2026-01-01T00:00:00Z");
    world.pay("cus_2", "pay_3", "2026-04-01T10:00:00Z", 100);
    let file = std::env::temp_dir().join(format!("backfill-exclude-{}", std::process::id()));
    let exclude = format!("--exclude={}", file.display());
    for name in ["cus_1", "user_1", "OLD@example.com", "new@example.com"] {
        fs::write(&file, format!("nobody@example.com\n\n{name}, # at their wish\nnobody\n"))
            .unwrap();
        let mode = [("PERSON_IDENTIFIER", "metadata.user_id")];
        let mut heard = Heard::default();
        let options = world.options(&[&exclude], &mode);
        assert_eq!(backfill::run(&options, &mut heard).await.unwrap().people, 1, "{name}");
        assert!(
            heard.0.contains("in 2 of its entries, who are not left out: lines 1 and 4."),
            "{}",
            heard.0
        );
        assert!(!heard.0.contains("nobody@"), "{}", heard.0);
    }
    fs::write(&file, "cus_1, cus_2").unwrap();
    let output = world.program(&["--yes", &exclude]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("one id or address a line: see line 1."),
        "{output:?}"
    );
    fs::remove_file(&file).unwrap();
    assert_eq!(world.people(), 1);
}

#[tokio::test]
async fn a_dry_run_sends_nothing_and_what_it_read_serves_for_six_hours() {
    let world = small_history().await;
    let summary = world.import(&["--dry-run"], &[]).await.unwrap();
    assert_eq!((summary.people, summary.sent), (2, false));
    assert_eq!(world.customerio.state().requests, 0);
    let calls = world.dodo.state().requests.len();
    world.pay("cus_2", "pay_9", "2026-07-01T10:00:00Z", 100);
    for (hours, is_read_again) in [(5, false), (7, true)] {
        let mut options = world.options(&["--dry-run"], &[]);
        options.clock = Arc::new(move || SystemTime::now() + Duration::from_hours(hours));
        options.dry_run = !is_read_again;
        backfill::run(&options, &mut Quiet).await.unwrap();
        assert_eq!(world.dodo.state().requests.len() > calls, is_read_again, "{hours} hours");
    }
    assert_eq!(world.person("cus_2")["payments_count"], 1);
}

#[tokio::test]
async fn failures_and_the_rate_limit_of_dodo_are_waited_for() {
    let world = small_history().await;
    for number in 0..150 {
        let at = OffsetDateTime::from_unix_timestamp(1_770_000_000 + number * 86_400).unwrap();
        world.pay("cus_1", &format!("pay_more_{number}"), &at.format(&Rfc3339).unwrap(), 100);
    }
    world.dodo.state().rate_limit = Some(RateLimit::new(1_000, Clock::default()));
    let odd = Fault::Response(200, Vec::new(), "<html>".to_owned());
    let faults = [Fault::status(502), Fault::BreakBefore, Fault::Cut, odd];
    world.dodo.state().faults.queue.extend(faults);
    world.import(&[], &[]).await.unwrap();
    assert_eq!(world.person("cus_1")["payments_count"], 152);
    // Ten a second.
    assert!(world.dodo.state().requests.len() > 10);
}

#[tokio::test]
async fn what_only_updates_a_card_is_no_purchase() {
    let world = World::new().await;
    let card = |id: &str, is_update: bool, at: &str| {
        let data = json!({
            "payment_id": id, "status": "succeeded", "total_amount": 0, "currency": "EUR", "created_at": at,
            "is_update_payment_method": is_update,
            "customer": {"customer_id": "cus_1", "email": "ada@example.com", "name": "Ada"},
        });
        world.happened("payment.succeeded", at, data);
    };
    let failed = json!({
        "payment_id": "pay_1", "status": "failed", "total_amount": 100, "currency": "EUR",
        "created_at": "2026-03-01T10:00:00Z", "customer": {"customer_id": "cus_1"},
    });
    world.happened("payment.failed", "2026-03-01T10:00:00Z", failed);
    card("pay_2", true, "2026-03-02T10:00:00Z");
    world.import(&[], &[]).await.unwrap();
    assert_eq!(world.person("cus_1")["last_payment_status"], "failed");
    card("pay_3", false, "2026-03-03T10:00:00Z");
    world.import(&[], &[]).await.unwrap();
    assert_eq!(world.person("cus_1")["last_payment_status"], "succeeded");
}

#[tokio::test]
async fn who_only_updated_a_card_gets_no_state_in_any_mode() {
    for mode in ["customer_id", "email", "metadata.user_id"] {
        let world = World::new().await;
        let pay = |id: &str, amount: u64, is_update: bool, metadata: Value, at: &str| {
            let data = json!({
                "payment_id": id, "status": "succeeded", "total_amount": amount, "currency": "EUR",
                "created_at": at, "is_update_payment_method": is_update, "metadata": metadata,
                "customer": {"customer_id": "cus_1", "email": "ada@example.com", "name": "Ada"},
            });
            world.happened("payment.succeeded", at, data);
        };
        if mode.starts_with("metadata") {
            pay("pay_1", 900, false, json!({"user_id": "user_1"}), "2026-03-01T10:00:00Z");
        }
        pay("pay_2", 0, true, json!({}), "2026-03-02T10:00:00Z");
        pay("pay_3", 0, true, json!({}), "2026-03-03T10:00:00Z");
        world.import(&[], &[("PERSON_IDENTIFIER", mode)]).await.unwrap();
        let ada = world.person(if mode == "customer_id" { "cus_1" } else { "ada@example.com" });
        for name in ["last_payment_status", "payments_count", "customer_since", "total_spent"] {
            assert_eq!(ada[name], Value::Null, "{name} in {ada}, {mode}");
        }
        assert_eq!(ada["dodo_customer_id"], "cus_1", "{mode}");
    }
}

#[tokio::test]
async fn without_payments_a_person_of_an_address_still_has_a_beginning() {
    let world = World::new().await;
    world.subscribe("cus_1", "sub_1", "active", "2026-03-01T10:00:00Z");
    world.dodo.state().know("cus_1", "cus_1@example.com", "Ada", "2026-01-01T00:00:00Z");
    world.import(&[], &[("PERSON_IDENTIFIER", "email")]).await.unwrap();
    assert_eq!(world.person("cus_1@example.com")["customer_since"], 1_767_225_600);
}

/// A moment with more objects than pages hold is never taken for one that ends there.
#[tokio::test]
async fn a_full_moment_is_read_as_a_whole_or_not_at_all() {
    for (payments, beyond, is_whole) in [
        (350, Some(Beyond::Empty), false),
        (350, Some(Beyond::Refused), false),
        (200, Some(Beyond::Empty), false),
        (200, None, true),
        (350, None, true),
    ] {
        let world = World::new().await;
        for number in 0..payments {
            world.pay("cus_1", &format!("pay_{number}"), "2026-03-01T10:00:00Z", 100);
        }
        if let Some(beyond) = beyond {
            world.dodo.state().page_caps.insert("payments", PageCap { last: 1, beyond });
        }
        let ended = world.import(&[], &[]).await.map_err(|error| error.to_string());
        assert_eq!(ended.is_ok(), is_whole, "{payments} {beyond:?} {ended:?}");
        match ended {
            Ok(_) => assert_eq!(world.person("cus_1")["payments_count"], payments),
            Err(error) => assert!(error.contains("created at one moment"), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_folder_that_others_may_read_is_not_used() {
    let world = small_history().await;
    fs::DirBuilder::new().mode(0o755).create(&world.folder).unwrap();
    let error = world.import(&[], &[]).await.unwrap_err().to_string();
    assert!(error.contains("is open to others") && error.contains("chmod 700"), "{error}");
    assert_eq!(fs::read_dir(&world.folder).unwrap().count(), 0);
}

/// Many windows, of which some end exactly at a page, however Dodo caps the pages.
#[tokio::test]
async fn a_long_list_is_read_as_a_whole() {
    for beyond in [None, Some(Beyond::Refused), Some(Beyond::Empty), Some(Beyond::Repeated)] {
        let world = World::new().await;
        for number in 0..600 {
            let at = OffsetDateTime::from_unix_timestamp(1_770_000_000 + number * 61).unwrap();
            let (customer, at) = (number % 190, at.format(&Rfc3339).unwrap());
            world.pay(&format!("cus_{customer}"), &format!("pay_{number}"), &at, 100);
        }
        if let Some(beyond) = beyond {
            world.dodo.state().page_caps.insert("payments", PageCap { last: 2, beyond });
        }
        let summary = world.import(&[], &[]).await.unwrap();
        assert_eq!((summary.people, world.people()), (190, 190), "{beyond:?}");
        let counted: u64 = (0..190)
            .map(|number| {
                world.person(&format!("cus_{number}"))["payments_count"].as_u64().unwrap()
            })
            .sum();
        assert_eq!(counted, 600, "{beyond:?}");
        let calls = world.dodo.state().requests_by_path()["/payments"];
        assert!(calls < 90, "{calls} calls for 6 pages, {beyond:?}");
    }
}

#[tokio::test]
async fn refused_items_are_listed_with_their_reasons() {
    let world = small_history().await;
    // Customer.io finds something in one person that we do not know of, and refuses the whole request for it.
    let reason = json!({"errors": [{"reason": "invalid", "field": "attributes.email", "message": "is odd"}]});
    world.customerio.state().poison = vec![(
        "Grace@Example.com".to_owned(),
        Fault::Response(400, Vec::new(), reason.to_string()),
    )];
    let summary = world.import(&[], &[]).await.unwrap();
    assert_eq!((summary.refused, world.people()), (1, 1), "the others are accepted");
    let file = summary.refused_file.unwrap();
    let line: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(line["errors"][0]["field"], "attributes.email");
    assert_eq!(line["item"]["identifiers"]["id"], "cus_2");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(&world.folder).unwrap().count(), 1, "nothing else is left");
}

/// More people than fit into a request, and more refused than one event may have reasons.
#[tokio::test]
async fn full_requests_are_sent_whole_and_every_refused_item_is_listed() {
    let world = World::new().await;
    for number in 0..1_250 {
        let at = OffsetDateTime::from_unix_timestamp(1_770_000_000 + number * 61).unwrap();
        let (customer, payment) = (format!("cus_{number}"), format!("pay_{number}"));
        world.pay(&customer, &payment, &at.format(&Rfc3339).unwrap(), 100);
    }
    let errors: Vec<_> = (0..30)
        .map(|index| json!({"batch_index": index, "reason": "invalid", "field": "", "message": "is odd"}))
        .collect();
    let odd = Fault::Response(207, Vec::new(), json!({ "errors": errors }).to_string());
    // The first request is the check of the pair.
    world.customerio.fail([Fault::status(404), odd]);
    let summary = world.import(&[], &[]).await.unwrap();
    assert_eq!((summary.people, summary.refused), (1_250, 30));
    assert!(summary.requests > 1, "{summary:?}");
    let state = world.customerio.state();
    assert!(state.arrivals.iter().all(|it| it.status == 200), "none is too large");
}

#[tokio::test]
async fn a_run_that_stopped_goes_on() {
    let world = small_history().await;
    let mut options = world.options(&[], &[]);
    options.patience = Duration::ZERO;
    // The check of the pair takes the first.
    world.customerio.fail(vec![Fault::status(503); 4]);
    let stopped = backfill::run(&options, &mut Quiet).await.unwrap_err().to_string();
    assert!(stopped.contains("Type the same command again"), "{stopped}");
    assert_eq!(world.people(), 0);
    let calls = world.dodo.state().requests.len();
    let summary = world.import(&[], &[]).await.unwrap();
    assert_eq!((summary.people, world.people()), (2, 2));
    assert_eq!(world.dodo.state().requests.len(), calls, "nothing is read again");
}

#[tokio::test]
async fn an_endless_429_is_said_once_and_ends_with_the_patience() {
    let world = small_history().await;
    let wait = vec![("retry-after", "11".to_owned())];
    let busy = Fault::Response(429, wait, "{}".to_owned());
    world.dodo.state().faults.queue.extend(vec![busy; 40]);
    let mut options = world.options(&[], &[]);
    options.patience = Duration::from_secs(5);
    let mut heard = Heard::default();
    let error = backfill::run(&options, &mut heard).await.unwrap_err().to_string();
    assert!(
        error.contains("status 429") && error.contains("Type the same command again"),
        "{error}"
    );
    assert_eq!(heard.0.matches("asking again in 11 s").count(), 1, "{}", heard.0);
}

#[tokio::test]
async fn a_customer_io_that_is_away_is_said_once() {
    let world = small_history().await;
    let wait = vec![("retry-after", "13".to_owned())];
    let busy = Fault::Response(429, wait, "{}".to_owned());
    // The first request is the check of the pair.
    world.customerio.fail([Fault::status(404), busy]);
    let (summary, said) = world.import_and_read(&[]).await;
    assert_eq!((summary.people, world.people()), (2, 2));
    let waits = "Customer.io does not accept requests for now: waiting, and asking again in 13 s.";
    assert_eq!(said.matches(waits).count(), 1, "{said}");
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_read() {
    let world = small_history().await;
    let error = world.import(&[], &[("CUSTOMERIO_API_KEY", "wrong")]).await.unwrap_err();
    assert!(error.to_string().contains("CUSTOMERIO_SITE_ID and CUSTOMERIO_API_KEY"), "{error}");
    assert_eq!(world.dodo.state().requests.len(), 0);
    let error = world.import(&[], &[("DODO_API_KEY", "wrong")]).await.unwrap_err();
    assert!(error.to_string().contains("DODO_API_KEY (401)"), "{error}");
}

impl World {
    /// Runs the program, with nobody at its terminal.
    fn program(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backfill"));
        command.env_clear().envs(self.environment(&[])).args(["--rate=0", "--calls-a-minute=0"]);
        command.args(arguments).stdin(Stdio::null()).output().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_what_it_will_do_and_sends_only_if_it_may() {
    let world = small_history().await;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let asked = world.program(&[]);
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    assert!(text(&asked.stderr).contains("Nobody can be asked here"), "{asked:?}");
    let plan = text(&asked.stdout);
    for part in [
        "3 customers, 2 subscriptions, 3 payments, 1 refund, 0 disputes",
        "2 people, no events, in 1 request: as fast as",
        "Not sent: 1 customer without a payment",
        "The oldest is of 2026-03-01 10:00 UTC, the newest of 2026-09-09 09:00 UTC.",
        "at most 2 new profiles",
        "Pause them in Customer.io first",
    ] {
        assert!(plan.contains(part), "{part} in {plan}");
    }
    for secret in ["cus_1@", "Grace", "site", KEY] {
        assert!(!plan.contains(secret), "{secret} in {plan}");
    }
    assert_eq!(world.people(), 0);
    let sent = world.program(&["--yes"]);
    assert_eq!((sent.status.code(), world.people()), (Some(0), 2), "{sent:?}");
    assert!(text(&sent.stdout).contains("Sent in 1 request: 2 people"), "{sent:?}");
}

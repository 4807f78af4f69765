//! The queue function: many webhooks in few requests, and each one's own fate.

use super::reason_of;
use super::world::{DEAD_LETTERS, QUEUE, QueueWorld, payment_of};
#[cfg(feature = "javascript")]
use crate::transforms::Folder;
use serde_json::{Value, json};
use stand_ins::dodo::{sample, samples};
use stand_ins::fault::Fault;
use stand_ins::poller::Polled;
use stand_ins::sqs;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

/// The pauses after the first receives, in seconds, without jitter.
const PAUSES: [u64; 4] = [30, 120, 300, 600];

/// The queue's own, in seconds.
const VISIBILITY_TIMEOUT: u64 = 30 * 60;

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Why a request is refused as a whole.
fn refused(reason: &str) -> Fault {
    let errors = json!({"errors": [{"reason": "invalid", "field": "batch", "message": reason}]});
    Fault::Response(400, vec![], errors.to_string())
}

/// In how many seconds the only message of the queue comes again.
fn comes_again_in(world: &QueueWorld) -> u64 {
    let [message] = world.messages(QUEUE).try_into().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let again = message.visible_from.saturating_sub(now + world.ahead());
    // What the test itself took.
    (again + Duration::from_millis(500)).as_secs()
}

#[tokio::test]
async fn many_webhooks_share_a_request() {
    let world = QueueWorld::start().await;
    world.fill(300);
    assert_eq!(world.poll().await, Polled { received: 300, kept: vec![] });
    assert_eq!(world.events(), 300);
    let arrivals = world.world.arrivals();
    assert!(arrivals <= 2, "{arrivals} requests");
    let (batches, events) = world.lines(1).await;
    let line = &batches[0];
    assert_eq!((&line["level"], &line["webhooks"]), (&json!("INFO"), &json!(300)));
    assert_eq!((&line["Delivered"], &line["Attempts"]), (&json!(300), &json!(arrivals)));
    // The samples are of last autumn.
    assert_eq!((&line["LateEvents"], events), (&json!(300), vec![]));
}

#[tokio::test]
async fn every_sample_comes_to_the_same_as_in_direct_mode() {
    let world = QueueWorld::start().await;
    for sample in samples() {
        world.queue(&sample.name).await;
    }
    let polled = world.poll().await;
    assert_eq!(polled.kept, Vec::<String>::new());
    let payouts = samples().iter().filter(|it| it.event_type().starts_with("payout.")).count();
    assert_eq!(world.events(), samples().len() - payouts);
    let (batches, events) = world.lines(1).await;
    assert_eq!(batches[0]["Ignored"], json!(payouts));
    assert_eq!(events.len(), payouts);
    assert!(events.iter().all(|it| it["outcome"] == "ignored" && it["level"] == "INFO"));
}

/// By time, whatever the order in which the queue gives them.
#[tokio::test]
async fn events_leave_in_the_order_in_which_they_happened() {
    let world = QueueWorld::start().await;
    for number in [5, 1, 4, 2, 3] {
        let mut event = payment_of(number);
        event["timestamp"] = format!("2026-11-0{number}T12:00:00Z").into();
        world.put(Some(&format!("msg_{number}")), &event.to_string());
    }
    world.poll().await;
    let state = world.world.customerio.state();
    let times: Vec<_> =
        state.arrivals[0].items().iter().map(|item| item["timestamp"].as_u64().unwrap()).collect();
    assert!(times.is_sorted() && times.len() == 10, "{times:?}");
}

#[tokio::test]
async fn what_comes_twice_counts_once() {
    let world = QueueWorld::start().await;
    world.fill(20);
    let messages = world.poller.collect().await;
    for _ in 0..2 {
        assert_eq!(world.poller.handle(messages.clone()).await.kept, Vec::<String>::new());
    }
    let state = world.world.customerio.state();
    assert_eq!((state.people.events().count(), state.people.repeated), (20, 20));
}

#[tokio::test]
async fn what_is_no_event_is_kept_with_its_reason_and_disturbs_no_other() {
    for (id, body, reason) in [
        (Some("msg_x"), "Ada, ada@example.com", "no_dodo_event: The body is not JSON."),
        (Some("msg_x"), "{}", "no_dodo_event: The body has no \"type\"."),
        (None, r#"{"type":"a.b","data":{}}"#, "no_dodo_event: The message has no \"webhook-id\"."),
        (
            Some("msg_x"),
            r#"{"type":"payment.succeeded","data":{}}"#,
            "no_customer: Events of type payment.succeeded are always about a customer",
        ),
    ] {
        let world = QueueWorld::start().await;
        world.put(id, body);
        world.fill(3);
        assert_eq!(world.poll().await, Polled { received: 4, kept: vec![] }, "{body}");
        assert_eq!(world.events(), 3);
        assert!(reason_of(&world).starts_with(reason), "{}", reason_of(&world));
        let dead = world.messages(DEAD_LETTERS).remove(0);
        assert_eq!(dead.body, body);
        let kept_id = dead.attributes.get("webhook-id").map(|it| it["StringValue"].clone());
        assert_eq!(kept_id, id.map(Into::into), "so that it can be moved back");
        let (batches, events) = world.lines(1).await;
        assert_eq!(
            (&batches[0]["DeadLetters"], &batches[0]["level"]),
            (&json!(1), &json!("ERROR"))
        );
        let [line] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((&line["level"], &line["receives"]), (&json!("ERROR"), &json!(1)));
    }
}

#[tokio::test]
async fn what_cannot_be_kept_as_a_dead_letter_comes_again() {
    let world = QueueWorld::start().await;
    world.put(Some("msg_x"), "{}");
    world.sqs.fail("SendMessage", [sqs::error(400, "AccessDeniedException")]);
    assert_eq!(world.poll().await.kept.len(), 1);
    assert_eq!((world.messages(QUEUE).len(), world.messages(DEAD_LETTERS).len()), (1, 0));
    let log = world.log();
    assert!(log.contains("queue in DEAD_LETTER_QUEUE_URL (AccessDenied"), "{log}");
    assert!(log.contains("may call sqs:SendMessage on it"), "{log}");

    world.pass(seconds(VISIBILITY_TIMEOUT));
    tokio::time::sleep(seconds(10)).await;
    assert_eq!(world.poll().await.kept, Vec::<String>::new());
    assert_eq!((world.messages(QUEUE).len(), world.messages(DEAD_LETTERS).len()), (0, 1));
}

#[tokio::test]
async fn while_customer_io_is_down_a_batch_costs_a_few_requests_and_nothing_is_lost() {
    for (status, most) in [(503, 3), (500, 7), (401, 3)] {
        let world = QueueWorld::start().await;
        world.fill(400);
        world.world.customerio.fail(vec![Fault::status(status); 100]);
        assert_eq!(world.poll().await.kept.len(), 400);
        let requests = world.world.customerio.state().requests;
        assert!(requests <= most, "{requests} requests at {status}");
        let (batches, events) = world.lines(1).await;
        assert_eq!((events.len(), &batches[0]["Undelivered"]), (400, &json!(400)));
        assert!(batches[0]["message"].is_string() && events[0].get("message").is_none());

        world.world.customerio.state().faults.queue.clear();
        world.pass(seconds(60));
        assert_eq!(world.poll().await.kept, Vec::<String>::new(), "{status}");
        assert_eq!(world.events(), 400);
    }
}

#[tokio::test]
async fn a_message_comes_again_after_growing_pauses_and_then_when_the_queue_says_so() {
    let world = QueueWorld::start().await;
    world.fill(1);
    for receive in 0..6 {
        world.world.customerio.fail([Fault::status(302)]);
        assert_eq!(world.poll().await.kept.len(), 1, "receive {receive}");
        let again = comes_again_in(&world);
        let (least, most) = match PAUSES.get(receive) {
            Some(pause) => (*pause - 1, pause * 5 / 4),
            None => (VISIBILITY_TIMEOUT - 2, VISIBILITY_TIMEOUT),
        };
        assert!((least..=most).contains(&again), "{again} s after receive {receive}");
        assert_eq!(world.calls("ChangeMessageVisibilityBatch"), (receive + 1).min(4));
        world.pass(seconds(again + 1));
    }
}

#[tokio::test]
async fn customer_ios_own_wish_is_honoured() {
    let world = QueueWorld::start().await;
    world.fill(1);
    let later =
        |after: &str| Fault::Response(429, vec![("retry-after", after.into())], "{}".into());
    world.world.customerio.fail([later("900")]);
    world.poll().await;
    let again = comes_again_in(&world);
    assert!((899..=1_125).contains(&again), "{again} s");
    world.pass(seconds(again + 1));
    world.world.customerio.fail([later("7200")]);
    world.poll().await;
    assert!(comes_again_in(&world) >= VISIBILITY_TIMEOUT - 2, "no call is needed for that");
    assert_eq!(world.calls("ChangeMessageVisibilityBatch"), 1);
}

#[tokio::test]
async fn without_permission_to_shorten_pauses_everything_comes_again_all_the_same() {
    let world = QueueWorld::start().await;
    world.fill(1);
    world.world.customerio.fail([Fault::status(302)]);
    let denied = sqs::error(400, "AccessDeniedException");
    world.sqs.fail("ChangeMessageVisibilityBatch", [denied]);
    let kept = world.poll().await.kept;
    assert_eq!((kept.len(), world.messages(QUEUE).len()), (1, 1));
    assert!(comes_again_in(&world) >= VISIBILITY_TIMEOUT - 2);
    let log = world.log();
    assert!(log.contains("may call sqs:ChangeMessageVisibility on it"), "{log}");
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_is_divided_until_the_culprit_is_alone() {
    let bad = [Fault::status(500), Fault::status(403), refused("is odd"), Fault::BreakBefore];
    for (index, fault) in bad.into_iter().enumerate() {
        let world = QueueWorld::start().await;
        world.fill(50);
        world.world.customerio.state().poison = vec![("\"cus_17\"".into(), fault)];
        let polled = world.poll().await;
        assert_eq!((polled.received, world.events()), (50, 49), "fault {index}");
        let requests = world.world.customerio.state().requests;
        assert!(requests <= 20, "{requests} requests for fault {index}");
        // Refused for good, or perhaps not.
        let is_final = index == 2;
        assert_eq!(polled.kept.len(), usize::from(!is_final));
        assert_eq!(world.messages(DEAD_LETTERS).len(), usize::from(is_final));
    }
}

#[tokio::test]
async fn a_reason_has_no_personal_data() {
    let world = QueueWorld::start().await;
    world.queue("payment.succeeded").await;
    let reason = "Ada of ada@example.com is odd";
    world.world.customerio.fail([refused(reason)]);
    assert_eq!(world.poll().await.kept, Vec::<String>::new());
    let reason = reason_of(&world);
    world.world.assert_discreet(&reason);
    assert!(reason.starts_with("refused_by_customerio: "), "{reason}");
    assert!(reason.contains("[redacted]") && reason.contains("is odd"), "{reason}");
}

#[tokio::test]
async fn without_a_secret_everything_comes_again() {
    let world = QueueWorld::start().await;
    let secret = world.world.secret.get().await;
    world.world.secret.put(&json!({"dodo_webhook_secret": "REPLACE_ME"})).await;
    world.restart();
    world.fill(30);
    assert_eq!(world.poll().await.kept.len(), 30);
    let (batches, events) = world.lines(1).await;
    assert_eq!((&batches[0]["reason"], events.len()), (&json!("secret_invalid"), 30));
    world.world.secret.put(&secret).await;
    tokio::time::sleep(seconds(3)).await;
    world.pass(seconds(60));
    assert_eq!(world.poll().await.kept, Vec::<String>::new());
    assert_eq!(world.events(), 30);
}

#[tokio::test]
async fn everything_ends_before_the_functions_own_deadline() {
    let world = QueueWorld::with_timeout(seconds(8), &[]).await;
    world.fill(40);
    world.world.customerio.fail(vec![Fault::Slow(seconds(60)); 20]);
    let start = Instant::now();
    let polled = world.poll().await;
    assert!(start.elapsed() < seconds(8), "{:?}", start.elapsed());
    assert_eq!(polled.kept.len(), 40);
    let (batches, _) = world.lines(1).await;
    assert_eq!(batches[0]["Undelivered"], 40);
}

#[tokio::test]
async fn customers_are_looked_up_once_a_batch() {
    let world = QueueWorld::with_dodo_api().await;
    let names = ["license_key.created", "credit.added", "credit.deducted", "dunning.started"];
    for name in names.iter().cycle().take(40) {
        let mut event = sample(name).unwrap().event;
        event["data"]["customer_id"] = "cus_shared".into();
        world.queue_webhook(&world.world.signed(event.to_string())).await;
    }
    world.world.dodo_api.state().know(
        "cus_shared",
        "ada@example.com",
        "Ada Sample",
        "2026-01-01T00:00:00Z",
    );
    assert_eq!(world.poll().await.kept, Vec::<String>::new());
    assert_eq!(world.events(), 40);
    let requests = world.world.dodo_api.state().requests.clone();
    let different: BTreeSet<_> = requests.iter().collect();
    assert_eq!(requests.len(), different.len(), "{requests:?}");
    let person = world.world.customerio.state().people.find("cus_shared").is_some();
    assert!(person);
}

#[cfg(feature = "javascript")]
#[tokio::test]
async fn a_transform_that_fails_or_hangs_for_one_event_harms_no_other() {
    let code = "const id = request.batch[0].identifiers.id;
        if (id === 'cus_1') throw new Error('no such plan');
        if (id === 'cus_2') new Array(4294967295).join('');
        if (id === 'cus_3') request.batch[0].identifiers = { id: '' };
        return request;";
    let folder =
        Folder::of(&[("odd.js", &format!("function extend(request, webhook) {{ {code} }}"))]);
    let world = QueueWorld::with(&[("TRANSFORM_FILE", folder.path())]).await;
    world.fill(30);
    let polled = world.poll().await;
    assert_eq!((polled.received, polled.kept.len()), (30, 2));
    // The person of the fourth is refused, its event is not.
    assert_eq!((world.events(), world.messages(DEAD_LETTERS).len()), (28, 1));
    assert!(reason_of(&world).contains("identifier"), "{}", reason_of(&world));
    let (batches, events) = world.lines(1).await;
    assert_eq!(batches[0]["TransformFailures"], 2);
    let failed: Vec<_> = events.iter().filter(|it| it["reason"] == "transform_failed").collect();
    assert!(failed.iter().any(|it| it["message"].as_str().unwrap().contains("no such plan")));

    // What fails again and again is looked at after the others' requests have left.
    world.fill(5);
    for _ in 0..3 {
        world.pass(seconds(VISIBILITY_TIMEOUT));
        world.poll().await;
    }
    world.pass(seconds(VISIBILITY_TIMEOUT));
    world.put(Some("msg_new"), &payment_of(99).to_string());
    let before = world.events();
    world.poll().await;
    assert_eq!(world.events(), before + 1);
}

/// What is not transformed in time comes again, and what is has time to leave.
#[cfg(feature = "javascript")]
#[tokio::test]
async fn transforms_have_half_of_the_time() {
    let code = "const id = request.batch[0].identifiers.id;
        if (id !== 'cus_0') new Array(4294967295).join('');
        return request;";
    let folder =
        Folder::of(&[("slow.js", &format!("function extend(request, webhook) {{ {code} }}"))]);
    let settings = [("TRANSFORM_FILE", folder.path())];
    let world = QueueWorld::with_timeout(seconds(8), &settings).await;
    world.fill(80);
    let start = Instant::now();
    assert_eq!(world.poll().await.kept.len(), 79);
    assert!(start.elapsed() < seconds(6), "{:?}", start.elapsed());
    assert_eq!(world.events(), 1);
    let (batches, events) = world.lines(1).await;
    let of = |reason| events.iter().filter(|line| line["reason"] == reason).count();
    let (failed, too_late) = (of("transform_failed"), of("out_of_time"));
    assert!(failed > 5 && too_late > 5 && failed + too_late == 79, "{failed}, {too_late}");
    assert_eq!(batches[0]["reason"], "out_of_time");
}

#[cfg(feature = "javascript")]
#[tokio::test]
async fn a_handlers_own_paths_and_headers_go_out_one_by_one() {
    let code = "const id = webhook.payload.data.customer.customer_id;
        if (id === 'cus_0') return webhook;
        const isOwn = id === 'cus_1';
        webhook.url = isOwn
            ? 'https://track.customer.io/api/v1/customers/cus_1'
            : 'https://track.customer.io/api/v2/entity';
        if (id === 'cus_2') webhook.headers = { 'x-trace': 'abc' };
        webhook.payload = isOwn
            ? { plan: 'pro' }
            : { type: 'person', identifiers: { id }, action: 'event', name: 'bought', attributes: {} };
        return webhook;";
    let folder = Folder::of(&[("own.js", code)]);
    let world = QueueWorld::with(&[("TRANSFORM_FILE", folder.path())]).await;
    world.fill(6);
    assert_eq!(world.poll().await.kept, Vec::<String>::new());
    let state = world.world.customerio.state();
    let mut sizes: Vec<(String, usize)> =
        state.arrivals.iter().map(|it| (it.path.clone(), it.items().len())).collect();
    sizes.sort();
    let batch = |items| ("/api/v2/batch".to_owned(), items);
    let own = ("/api/v1/customers/cus_1".to_owned(), 1);
    assert_eq!(sizes, [own, batch(1), batch(3)]);
    assert_eq!(state.people.events().count(), 4);
}

/// Nothing that Lambda could send makes it fail.
#[tokio::test]
async fn what_is_no_event_of_sqs_is_said_and_nothing_else() {
    let world = QueueWorld::start().await;
    let response = world.invoke(json!({"key": "value"})).await;
    assert_eq!(response, json!({"batchItemFailures": Value::Array(vec![])}));
    assert!(world.log().contains("This is not an SQS event"), "{}", world.log());
}

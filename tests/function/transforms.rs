//! JavaScript transforms, end to end.

use crate::world::{Process, World};
use serde_json::json;
use stand_ins::dodo::{self, sample};
use stand_ins::project::project_file;
use std::fs;
use std::path::PathBuf;

/// A folder of files, removed when dropped. What defines no `extend` is the body of a handler.
pub struct Folder(PathBuf);

impl Folder {
    pub fn of(files: &[(&str, &str)]) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(dodo::random_hex());
        fs::create_dir(&path).unwrap();
        for (name, body) in files {
            let is_whole = body.contains("function extend");
            let handler = format!("function handler(webhook) {{\n{body}\n}}");
            fs::write(path.join(name), if is_whole { body } else { handler.as_str() }).unwrap();
        }
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub async fn world(&self) -> World {
        World::with(&[("TRANSFORM_FILE", self.path())]).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The end of a handler that sends an event of this name.
fn event(name: &str) -> String {
    format!(
        "webhook.url = 'https://track-eu.customer.io/api/v2/entity';
         webhook.payload = {{ type: 'person', identifiers: {{ id: 'cus_1' }}, action: '{name}', attributes: {{}} }};
         return webhook;"
    )
}

#[tokio::test]
async fn a_handler_replaces_the_built_in_transform() {
    let folder = Folder::of(&[("one.js", &event("payment_completed"))]);
    let world = World::with(&[("TRANSFORM_FILE", folder.0.join("one.js").to_str().unwrap())]).await;
    let webhook = world.webhook("payment.succeeded");
    for _ in 0..2 {
        assert_eq!(world.deliver(&webhook).await.outcome(), (200, "delivered"));
    }
    let state = world.customerio.state();
    let person = state.people.find("cus_1").unwrap();
    assert_eq!(person.activity.len(), 1, "counted once");
    assert_eq!(person.activity[0].name, "payment_completed");
    assert_eq!(person.activity[0].timestamp, Some(1_795_166_103));
}

#[tokio::test]
async fn nothing_made_is_ignored_with_a_reason() {
    let body = "webhook.cancel = webhook.eventType === 'payment.succeeded'; return webhook;";
    let folder = Folder::of(&[("one.js", body)]);
    let world = folder.world().await;
    for (sample, reason) in [("payment.succeeded", "cancelled"), ("payment.failed", "not_handled")]
    {
        let response = world.deliver(&world.webhook(sample)).await;
        assert_eq!((response.outcome(), response.reason()), ((200, "ignored"), reason));
    }
    assert_eq!(world.arrivals(), 0);
}

#[tokio::test]
async fn a_folder_leaves_as_one_batch_and_older_calls_after_it() {
    let older =
        "webhook.url = 'https://track.customer.io/api/v1/customers/cus_1'; webhook.method = 'PUT';
                 webhook.payload = { plan: 'pro' }; webhook.headers['x-trace'] = 'abc';
                 webhook.headers.Authorization = 'Bearer mine'; return webhook;";
    let (first, second) = (event("first"), event("second"));
    let folder = Folder::of(&[
        ("a.js", older),
        ("b.js", &first),
        ("c.js", &second),
        ("d.js", "return webhook"),
        ("e.txt", "("),
    ]);
    let world = folder.world().await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.outcome(), (200, "delivered"));
    let state = world.customerio.state();
    let paths: Vec<_> =
        state.arrivals.iter().map(|arrival| (arrival.path.as_str(), arrival.status)).collect();
    assert_eq!(paths, [("/api/v2/batch", 200), ("/api/v1/customers/cus_1", 200)]);
    assert_eq!(state.arrivals[0].items().len(), 2);
    assert_eq!(state.arrivals[1].body, json!({"plan": "pro"}));
    assert_eq!(state.people.find("cus_1").unwrap().attributes["plan"], "pro");
}

#[tokio::test]
async fn one_failing_handler_fails_the_webhook_and_nothing_is_half_sent() {
    let good = event("good");
    let bad = "if (webhook.eventType === 'payment.failed') throw new Error('no ' + webhook.payload.data.customer.email);
               return webhook";
    let folder = Folder::of(&[("a.js", &good), ("b.js", bad)]);
    let world = folder.world().await;
    let response = world.deliver(&world.webhook("payment.failed")).await;
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "transform_failed"));
    assert_eq!(response.message(), "b.js:2: Error: no [redacted].");
    assert_eq!(response.headers["retry-after"], "30");
    assert_eq!(response.headers.get("webhook-delivery"), None, "Dodo tries again");
    assert_eq!(world.arrivals(), 0);
    assert_eq!(
        world.deliver(&world.webhook("payment.succeeded")).await.outcome(),
        (200, "delivered")
    );
}

/// `World::invoke` checks that none of it is in the response or in the log.
#[tokio::test]
async fn what_a_handler_throws_repeats_nothing_personal() {
    for (thrown, expected) in [
        ("'no ' + data.customer.name.split(' ')[1]", "1: no [redacted]."),
        ("'no ' + data.customer.name.toUpperCase()", "1: no [redacted]."),
        ("'no ' + encodeURIComponent(data.customer.email)", "1: no [redacted]."),
        ("'no ' + JSON.stringify(data.custom_field_responses[0].value)", "1: no \"[redacted]\"."),
        ("'no ' + data.cancellation_comment", "1: no [redacted]."),
        ("data.nothing.more", "2: TypeError: cannot read property 'more' of undefined."),
    ] {
        let body = format!("const data = webhook.payload.data; throw {thrown};");
        let folder = Folder::of(&[("one.js", &body)]);
        let world = folder.world().await;
        let mut event = sample("payment.succeeded").unwrap().event;
        event["data"]["custom_field_responses"] = json!([{"key": "k", "value": "Grace Sample"}]);
        event["data"]["cancellation_comment"] = json!("moved in with Müller");
        let response = world.deliver(&world.signed(event.to_string())).await;
        assert_eq!(response.message(), format!("one.js:{expected}"));
    }
}

#[tokio::test]
async fn limits_are_kept_and_the_next_webhook_is_served() {
    let folder = Folder::of(&[(
        "one.js",
        &format!(
            "if (webhook.eventType === 'payment.failed') for (;;) {{}}
             if (webhook.eventType === 'refund.failed') {{ const a = []; for (;;) a.push(new Uint8Array(1e6)) }}
             if (webhook.eventType === 'dispute.won') (function f() {{ f() }})();
             {}",
            event("fine")
        ),
    )]);
    let world = folder.world().await;
    for (sample, message) in
        [("payment.failed", "100 ms"), ("refund.failed", "16 MiB"), ("dispute.won", "stack")]
    {
        let response = world.deliver(&world.webhook(sample)).await;
        assert_eq!(response.outcome(), (503, "retry"), "{sample}");
        assert!(response.message().contains(message), "{}", response.message());
        assert_eq!(
            world.deliver(&world.webhook("payment.succeeded")).await.outcome(),
            (200, "delivered")
        );
    }
}

#[tokio::test]
async fn credentials_go_to_customer_io_only() {
    // Not under example.com, which `World::invoke` treats as a customer's address.
    let body = "webhook.url = 'https://evil.example.org/api/v2/entity'; webhook.payload = {}; return webhook;";
    let folder = Folder::of(&[("one.js", body)]);
    let world = folder.world().await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.outcome(), (503, "retry"));
    assert!(response.message().contains("one.js:1: webhook.url leads to another host"));
}

/// At the most verbose level; `World::invoke` checks that no personal data is in the log.
#[tokio::test]
async fn the_console_repeats_nothing_personal() {
    let body = "console.log('got', webhook.payload.data.customer, webhook.payload.data.customer.email); return webhook";
    let folder = Folder::of(&[("one.js", body)]);
    let world = folder.world().await;
    world.deliver(&world.webhook("payment.succeeded")).await;
    world.log_lines(1).await;
    assert!(world.log().contains("got "), "{}", world.log());
}

#[tokio::test]
async fn a_file_that_does_not_compile_ends_the_start() {
    let folder = Folder::of(&[("a.js", "return webhook"), ("b.js", "let x = ;"), ("c.js", "")]);
    let both = "function extend(r) { return r } const handler = extend;";
    for (name, text) in [
        ("c.js", "const handle = 1;"),
        ("d.js", both),
        ("e.js", "export default function handler(webhook) { return webhook }"),
        ("f.js", "// in another language\nfunction handler(webhook: Webhook) { return webhook }"),
    ] {
        fs::write(folder.0.join(name), text).unwrap();
    }
    let process = Process::alone(&[("TRANSFORM_FILE", folder.path())]);
    let (status, lines) = process.end().await;
    assert_eq!(status.code(), Some(1));
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert!(
        messages[0].starts_with("Configuration: TRANSFORM_FILE is not usable: b.js:2: SyntaxError"),
        "{messages:?}"
    );
    assert!(messages[0].ends_with("in `let x = ;`."), "{messages:?}");
    for (message, expected) in messages[1..].iter().zip([
        "c.js: there is no `function handler(webhook)` and no `function extend(request, webhook)`.",
        "d.js: it has both `handler` and `extend`; give each a file of its own.",
        "e.js:1: `export default function handler(webhook) { return webhook }` is of a module; \
         `import`, `export` and `require` are not known here: write a plain `function \
         handler(webhook)` or `function extend(request, webhook)`.",
        "f.js:2: `function handler(webhook: Webhook) { return webhook }` looks like TypeScript, which \
         is not known here: write a plain `function handler(webhook)`",
    ]) {
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(messages.len(), 5);
}

/// And only its own files are read: below it are others.
#[tokio::test]
async fn our_own_examples_run_as_a_folder() {
    let world =
        World::with(&[("TRANSFORM_FILE", project_file("transforms/examples").to_str().unwrap())])
            .await;
    let response = world.deliver(&world.webhook("payment.failed")).await;
    assert_eq!(response.outcome(), (200, "delivered"));
    let items = world.customerio.state().arrivals[0].items().to_vec();
    let names: Vec<_> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    assert_eq!(names, ["Payment Failed"]);
}

const PLAN: &str = "function extend(request, webhook) {
  for (const item of request.batch) item.attributes.plan = webhook.payload.data.metadata?.plan ?? 'none';
  return webhook.eventType === 'payment.failed' ? null : request;
}";

#[tokio::test]
async fn an_extend_changes_the_built_in_request() {
    let folder = Folder::of(&[("plan.js", PLAN)]);
    fs::create_dir(folder.0.join("below")).unwrap();
    fs::write(folder.0.join("below/other.js"), "(").unwrap();
    let world = folder.world().await;
    let webhook = world.webhook("payment.succeeded");
    for _ in 0..2 {
        assert_eq!(world.deliver(&webhook).await.outcome(), (200, "delivered"));
    }
    let response = world.deliver(&world.webhook("payment.failed")).await;
    assert_eq!((response.outcome(), response.reason()), ((200, "ignored"), "dropped"));
    let state = world.customerio.state();
    let person = state.people.find("ada@example.com").unwrap();
    assert_eq!(person.attributes["plan"], "none");
    assert_eq!(person.attributes["last_payment_amount"], "29.00");
    let [event] = &person.activity[..] else { panic!("counted once") };
    assert_eq!(
        (event.name.as_str(), &event.attributes["plan"]),
        ("Payment Completed", &json!("none"))
    );
}

/// Most of what is in the built-in request is no secret: types, states, names of events and of fields.
#[tokio::test]
async fn an_error_of_an_extend_stays_readable() {
    let said =
        "identify of a person: last_payment_status succeeded, payment_method card, currency USD";
    let text = format!("function extend(request, webhook) {{ throw new Error('{said}') }}");
    let folder = Folder::of(&[("wrong.js", &text)]);
    let world = folder.world().await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.message(), format!("wrong.js:1: Error: {said}."));
}

/// What the built-in transform looks up, it looks up for an `extend` too.
#[tokio::test]
async fn an_extend_gets_what_lookups_found() {
    let text = "function extend(request, webhook) {
      for (const item of request.batch) item.attributes.found = webhook.customer?.name ?? 'nobody';
      return request;
    }";
    let folder = Folder::of(&[("found.js", text)]);
    let world = World::with_dodo_api(&[("TRANSFORM_FILE", folder.path())]).await;
    for (name, attribute) in
        [("subscription.active", "active_subscriptions"), ("license_key.created", "email")]
    {
        world.dodo_api.state().happened(&sample(name).unwrap().event);
        let response = world.deliver(&world.webhook(name)).await;
        assert_eq!(response.outcome(), (200, "delivered"), "{}", response.message());
        let items = world.customerio.state().arrivals.last().unwrap().items().to_vec();
        // What lookups say of an older event is an `identify` of its own.
        assert!(items.iter().any(|it| !it["attributes"][attribute].is_null()), "{items:?}");
        let found = if name == "license_key.created" { "Ada Beispiel" } else { "nobody" };
        assert!(items.iter().all(|item| item["attributes"]["found"] == found), "{items:?}");
    }
}

#[tokio::test]
async fn one_refused_item_keeps_nothing_back_that_leaves_in_another_request() {
    let body = "webhook.url = 'https://track.customer.io/api/v2/batch?x=1';
        webhook.payload = { batch: Array.from({ length: 600 }, (_, n) => ({
            type: 'person', identifiers: { id: 'cus_' + n }, action: 'identify',
            attributes: { filler: 'x'.repeat(900), bad: n === 7 || n === 590 ? 'x'.repeat(1001) : undefined },
        })) };
        return webhook;";
    let folder = Folder::of(&[("one.js", body)]);
    let world = folder.world().await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.outcome(), (422, "rejected"));
    let indexes: Vec<_> =
        response.body["errors"].as_array().unwrap().iter().map(|it| &it["batch_index"]).collect();
    assert_eq!(indexes, [&json!(7), &json!(590)], "counted over all requests");
    let state = world.customerio.state();
    assert!(
        state.arrivals.len() > 1
            && state.arrivals.iter().all(|it| it.path.starts_with("/api/v2/batch"))
    );
    assert!(state.people.find("cus_599").is_some());
}

#[tokio::test]
async fn a_path_that_hides_its_limits_is_read_like_the_plain_one() {
    let item = "{ type: 'person', identifiers: { id: 'cus_1' }, action: 'identify', attributes: { a: 'x'.repeat(33000) } }";
    for (path, message) in [
        ("api/v2/entity?x=1", "33"),
        ("api//v2/entity/", "33"),
        ("api/v2/ent%69ty", "an encoded character"),
    ] {
        let body = format!(
            "webhook.url = 'https://track.customer.io/{path}'; webhook.payload = {item}; return webhook;"
        );
        let folder = Folder::of(&[("one.js", &body)]);
        let world = folder.world().await;
        let response = world.deliver(&world.webhook("payment.succeeded")).await;
        assert_eq!(response.outcome(), (503, "retry"), "{path}");
        assert!(response.message().contains(message), "{}", response.message());
        assert_eq!(world.arrivals(), 0);
    }
}

#[tokio::test]
async fn neither_a_host_nor_a_cut_word_repeats_a_name() {
    for body in [
        "webhook.url = 'https://' + webhook.payload.data.customer.name.replace(' ', '-') + '.example.net/'; webhook.payload = {}; return webhook;",
        "throw new Error('refused ' + (webhook.payload.data.customer.name + ' ').repeat(345))",
    ] {
        let folder = Folder::of(&[("one.js", body)]);
        let world = folder.world().await;
        let response = world.deliver(&world.webhook("payment.succeeded")).await;
        let message = response.message().to_lowercase();
        assert_eq!(response.outcome(), (503, "retry"));
        assert!(!message.contains("ada") && !message.contains("bei"), "{message}");
    }
}

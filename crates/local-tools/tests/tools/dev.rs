//! `make dev` and what is sent to it.

use crate::running::{Dev, Folder, local, root, wait_until_gone};
use serde_json::{Value, json};
use stand_ins::dodo::{self, Webhook};
use std::fs;
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn a_changed_transform_is_taken_at_once_and_a_broken_one_leaves_the_last_good_one_running() {
    let folder = Folder::new();
    let renamed = |name: &str| {
        format!(
            "function extend(request) {{\n  for (const item of request.batch) {{\n    \
             if (item.action === 'event') item.name = '{name}';\n  }}\n  return request;\n}}\n"
        )
    };
    let path = folder.write("mine.js", &renamed("First"));
    let mut dev = Dev::start(&["--transform", &path], &[]);
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"First\"");

    folder.write("mine.js", &renamed("Second"));
    dev.says("mine.js changed: the function now runs with it");
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Second\"");

    folder.write("mine.js", "function extend(request) {\n  return request +;\n}\n");
    dev.says("mine.js changed, but cannot be used");
    dev.says("TRANSFORM_FILE is not usable: mine.js:2");
    dev.says("The function goes on as before");
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Second\"");

    fs::remove_file(&path).unwrap();
    dev.says("mine.js changed, but cannot be used");
    // The merchant's path, not that of a copy.
    dev.says(&format!("cannot be read: {path}"));

    folder.write("mine.js", &renamed("Third"));
    dev.says("mine.js changed: the function now runs with it");
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Third\"");
}

#[test]
fn of_a_folder_each_file_counts() {
    let folder = Folder::new();
    folder.write("a.js", "function extend(request) { return request }");
    let mut dev = Dev::start(&["--transform", folder.0.to_str().unwrap()], &[]);
    let text = "function extend(request) { request.batch.at(-1).name = 'By b'; return request }";
    folder.write("b.js", text);
    dev.says("b.js changed: the function now runs with it");
    assert_eq!(dev.send("refund.failed").code, Some(0));
    dev.says("event \"By b\"");
    fs::remove_file(folder.0.join("b.js")).unwrap();
    dev.says("b.js changed: the function now runs with it");
    assert_eq!(dev.send("refund.failed").code, Some(0));
    dev.says("event \"Refund Failed\"");
}

#[test]
fn a_changed_setting_is_taken_at_once_and_a_wrong_one_is_reported_in_the_functions_own_words() {
    let folder = Folder::new();
    let file = folder.write("settings.env", "# mine\nEVENT_NAMES=payment.failed=Oh No\n");
    let mut dev = Dev::start(&["--settings", &file], &[]);
    assert!(dev.output().contains("EVENT_NAMES from settings.env"), "{}", dev.output());
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Oh No\"");

    folder.write("settings.env", "EVENT_NAMES=payment.failed=Declined\nEVENTS=payment.*,refnd.*\n");
    dev.says("settings.env changed: the function now runs with it");
    dev.says("EVENTS may have a typo: \"refnd.*\" fits no event type known today");
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Declined\"");
    let off = dev.send("dispute.opened");
    assert!(off.output.contains("event_off"), "{off:?}");

    for (text, problem) in [
        ("PERSON_IDENTIFIER=phone\n", "PERSON_IDENTIFIER must be customer_id, email or metadata"),
        ("PERSON_IDENTIFER=email\n", "settings.env:1: no setting has that name; the nearest is"),
    ] {
        folder.write("settings.env", text);
        dev.says("settings.env changed, but cannot be used");
        dev.says(problem);
        assert_eq!(dev.send("payment.failed").code, Some(0));
        dev.says("event \"Declined\"");
    }
}

#[test]
fn two_live_side_by_side_and_neither_takes_the_others_address_along() {
    let (mut one, mut other) = (Dev::start(&[], &[]), Dev::start(&[], &[]));
    assert_ne!(one.port, other.port);
    for dev in [&mut one, &mut other] {
        assert_eq!(dev.send("refund.failed").code, Some(0));
        dev.says("event \"Refund Failed\"");
    }
    assert_eq!(other.interrupt(), Some(0));
    assert_eq!(one.send("payment.failed").code, Some(0));
    one.says("event \"Payment Failed\"");
    let sentence = other.send("payment.failed").sentence();
    let expected = format!("No `make dev` listens on port {}.", other.port);
    assert!(sentence.starts_with(&expected) && sentence.contains(&one.port), "{sentence}");
}

#[test]
fn what_one_leaves_behind_is_nothing() {
    let folder = Folder::new();
    let path = folder.write("mine.js", "function extend(request) { return request }");
    let mut dev = Dev::start(&["--transform", &path], &[]);
    let port = dev.port.clone();
    let files = ["dev/PORT.json", "transform-PORT"]
        .map(|it| root().join("target/local").join(it.replace("PORT", &port)));
    assert!(files.iter().all(|path| path.exists()), "{files:?}");
    assert_eq!(dev.interrupt(), Some(0));
    assert!(!files.iter().any(|path| path.exists()), "{files:?}");
}

/// The terminal sends Ctrl-C to the whole process group; only the tool itself is to take it.
#[test]
fn ctrl_c_ends_it_without_a_word_from_its_children_and_none_is_left() {
    let folder = Folder::new();
    let path = folder.write("mine.js", "function extend(request) { return request }");
    let errors = folder.0.join("errors");
    for is_killed in [false, true] {
        let file = fs::File::create(&errors).unwrap();
        let mut dev = Dev::start_with_errors(&["--transform", &path], &[], Stdio::from(file));
        let processes = dev.descendants();
        assert!(processes.len() >= 3, "moto, the function, its handlers: {processes:?}");
        if is_killed {
            dev.kill();
        } else {
            assert_eq!(dev.interrupt(), Some(0));
        }
        wait_until_gone(&processes);
        assert!(!dev.output().contains("ended by itself"), "{}", dev.output());
        assert_eq!(fs::read_to_string(&errors).unwrap(), "");
    }
}

#[test]
fn of_a_changed_file_it_is_said_where_the_shell_wins() {
    let folder = Folder::new();
    let file = folder.write("mine.env", "EVENTS=payment.*\n");
    let shell = [("EVENTS", "payment.failed")];
    let mut dev = Dev::start(&["--settings", &file], &shell);
    folder.write("mine.env", "EVENTS=refund.*\n");
    dev.says(
        "mine.env changed, but the function goes on as before: the shell sets EVENTS and wins.",
    );
    folder.write("mine.env", "EVENTS=dispute.*\nEVENT_NAMES=payment.failed=Oh No\n");
    dev.says("mine.env changed: the function now runs with it");
    dev.says("But the shell sets EVENTS and wins over the file.");
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Oh No\"");
    // What was not touched needs no words.
    folder.write("mine.env", "EVENTS=dispute.*\nEVENT_NAMES=payment.failed=Oh Yes\n");
    dev.says("mine.env changed: the function now runs with it");
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Oh Yes\"");
    assert_eq!(dev.output().matches("But the shell sets").count(), 1, "{}", dev.output());
}

#[test]
fn of_a_named_file_of_settings_that_is_gone_the_last_good_one_stays() {
    let folder = Folder::new();
    let file = folder.write("mine.env", "EVENT_NAMES=payment.failed=Oh No\n");
    let mut dev = Dev::start(&["--settings", &file], &[]);
    fs::remove_file(&file).unwrap();
    dev.says("mine.env changed, but cannot be used");
    dev.says(&format!("{file} is gone, which SETTINGS names."));
    dev.says("The function goes on as before");
    assert_eq!(dev.send("payment.failed").code, Some(0));
    dev.says("event \"Oh No\"");
    folder.write("mine.env", "EVENT_NAMES=payment.failed=Oh Yes\n");
    dev.says("mine.env changed: the function now runs with it");
}

#[test]
fn a_port_in_use_is_a_sentence_with_what_to_type() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (option, name) in
        [("--port", "PORT"), ("--page-port", "PAGE_PORT"), ("--customerio-port", "CUSTOMERIO_PORT")]
    {
        let mut arguments = vec!["dev"];
        for other in ["--port", "--page-port"].into_iter().filter(|other| *other != option) {
            arguments.extend([other, "0"]);
        }
        arguments.extend([option, &port]);
        let sentence = local(&arguments, &[]).sentence();
        let expected = format!("Port {port} is in use, perhaps by another `make dev`.");
        assert!(sentence.starts_with(&expected), "{sentence}");
        assert!(sentence.contains(&format!("such as {name}=")), "{sentence}");
    }
}

#[test]
fn a_transform_that_is_wrong_from_the_start_is_said_at_once() {
    let folder = Folder::new();
    let path = folder.write("mine.js", "function handle() {}");
    let arguments = ["dev", "--port", "0", "--page-port", "0", "--transform", &path];
    let sentence = local(&arguments, &[]).sentence();
    assert!(sentence.starts_with("TRANSFORM_FILE is not usable: mine.js"), "{sentence}");
}

#[test]
fn webhooks_of_the_merchants_endpoint_are_accepted_and_its_secret_is_never_shown() {
    // As people copy it: without prefix and padding, with spaces.
    let copied = format!(" {}AA ", dodo::random_hex());
    let environment = [("DODO_WEBHOOK_SECRET", copied.as_str())];
    let mut dev = Dev::start(&[], &environment);
    let (url, port) = (dev.url(), dev.port.clone());
    // What is signed here is accepted too.
    for (option, value) in [("--url", &url), ("--port", &port)] {
        let arguments = ["send", "payment.failed", option, value];
        let sent = local(&arguments, &environment);
        assert_eq!(sent.code, Some(0), "{sent:?}");
        dev.says("event \"Payment Failed\"");
    }
    let forged = local(
        &["send", "payment.failed", "--url", &dev.url()],
        &[("DODO_WEBHOOK_SECRET", &dodo::random_secret())],
    );
    assert!(forged.sentence().contains("401"));
    let key = copied.trim();
    let address = root().join(format!("target/local/dev/{}.json", dev.port));
    assert!(!dev.output().contains(key) && !fs::read_to_string(address).unwrap().contains(key));
    assert!(dev.output().contains("DODO_WEBHOOK_SECRET is set"), "{}", dev.output());
}

/// A tunnel leads strangers to the function URL; they may post webhooks and nothing else.
#[tokio::test]
async fn through_a_tunnel_only_webhooks_get_in() {
    let dev = tokio::task::spawn_blocking(|| Dev::start(&[], &[])).await.unwrap();
    let client = dodo_customerio::http::client();
    let webhook = Webhook::sign(&dodo::random_secret(), "msg_1", dodo::unix_now(), "{}".to_owned());
    assert_eq!(webhook.post(&client, &dev.url()).await.unwrap().0, 401);

    let invocations = format!("{}2015-03-31/functions/dodo-customerio/invocations", dev.url());
    let event = webhook.function_url_event().to_string();
    for (header, value, expected) in [
        ("host", "example.trycloudflare.com", 403),
        ("x-forwarded-for", "192.0.2.1", 403),
        ("accept", "*/*", 200),
    ] {
        let request = client.post(&invocations).header(header, value).body(event.clone());
        assert_eq!(request.send().await.unwrap().status(), expected, "{header}");
    }
    tokio::task::spawn_blocking(move || drop(dev)).await.unwrap();
}

#[test]
fn without_a_key_the_function_knows_what_the_payload_says_and_with_one_more() {
    for (arguments, knows_the_address) in [(&[][..], false), (&["--key"][..], true)] {
        let mut dev = Dev::start(arguments, &[]);
        assert_eq!(dev.send("abandoned_checkout.detected").code, Some(0));
        dev.says("event \"Abandoned Checkout Detected\"");
        let output = dev.output();
        assert_eq!(output.contains("identify email="), knows_the_address, "{output}");
    }
}

/// What `cargo lambda invoke` is given.
#[test]
fn an_event_is_printed_as_lambda_gets_it() {
    let dev = Dev::start(&[], &[]);
    let printed = local(&["event", "payment.failed", "--port", &dev.port], &[]);
    let event: Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!(event["requestContext"]["http"]["method"], json!("POST"));
    assert!(event["body"].as_str().unwrap().contains("payment.failed"));
}

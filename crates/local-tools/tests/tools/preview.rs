//! What `make preview` shows, and in which order.

use crate::running::{Folder, local};

/// The positions of headings, which must all be there.
fn positions(text: &str, headings: &[&str]) -> Vec<usize> {
    let position =
        |heading: &&str| text.find(heading).unwrap_or_else(|| panic!("{heading}: {text}"));
    headings.iter().map(position).collect()
}

#[test]
fn the_request_comes_first_and_the_input_on_demand() {
    let folder = Folder::new();
    let path = folder.write("mine.js", "function extend(request) { return request }");
    for transform in [&[][..], &["--transform", &path]] {
        let arguments = [&["preview", "payment.failed"][..], transform].concat();
        let without = local(&arguments, &[]);
        assert_eq!(without.code, Some(0), "{without:?}");
        assert!(without.output.starts_with("POST /api/v2/batch\n"), "{without:?}");
        assert!(!without.output.contains("\ninput, "), "{without:?}");
        let with = local(&[&arguments[..], &["--input"]].concat(), &[]).output;
        let (request, input) = with.split_once("\n\ninput, payment.failed\n").unwrap();
        assert_eq!(request.trim_end(), without.output.trim_end());
        let input: serde_json::Value = serde_json::from_str(input).unwrap();
        assert_eq!(input["type"], "payment.failed");
    }
}

#[test]
fn what_came_out_undefined_is_named_after_the_request() {
    let folder = Folder::new();
    let path = folder.write(
        "mine.js",
        "function extend(request, webhook) {\n  console.log('plan', webhook.payload.data.plna);\n  \
         for (const item of request.batch) item.attributes.plan = webhook.payload.data.plna;\n  \
         return request;\n}",
    );
    let preview = local(&["preview", "payment.failed", "--transform", &path], &[]);
    let headings = [
        "POST /api/v2/batch",
        "Customer.io's rules: kept.",
        "undefined, mine.js: batch[0].attributes.plan",
        "undefined, mine.js: batch[1].attributes.plan",
        "console, mine.js: plan",
        "built in\n{",
        "difference\nnone",
    ];
    assert!(positions(&preview.output, &headings).is_sorted(), "{}", preview.output);

    let path = folder.write(
        "theirs.js",
        "function handler(webhook) {\n  webhook.payload = {type: 'person', action: 'event', name: 'A',\n    \
         identifiers: {id: '1'}, attributes: {plan: webhook.payload.data.plna}};\n  return webhook;\n}",
    );
    let preview = local(&["preview", "payment.failed", "--transform", &path], &[]);
    let headings = ["POST /api", "undefined, theirs.js: attributes.plan", "made by theirs.js"];
    assert!(positions(&preview.output, &headings).is_sorted(), "{}", preview.output);
}

#[test]
fn what_is_undefined_in_a_list_is_sent_as_null() {
    let folder = Folder::new();
    let path = folder.write(
        "mine.js",
        "function extend(request) { request.batch[0].attributes.plans = [undefined]; return request; }",
    );
    let preview = local(&["preview", "payment.failed", "--transform", &path], &[]);
    let note = "undefined, mine.js: batch[0].attributes.plans[0] is sent as null";
    assert!(preview.output.contains(note), "{}", preview.output);
    let (_, difference) = preview.output.rsplit_once("\n\n").unwrap();
    assert!(difference.starts_with("difference\n"), "the last part is {difference}");
}

#[test]
fn a_file_that_wants_nothing_sent_is_named() {
    let folder = Folder::new();
    for (script, said) in [
        ("function extend() { return null; }", "mine.js returned null"),
        (
            "function handler(webhook) { webhook.cancel = true; return webhook; }",
            "mine.js set webhook.cancel",
        ),
    ] {
        let path = folder.write("mine.js", script);
        let preview = local(&["preview", "payment.failed", "--transform", &path], &[]);
        assert!(preview.output.starts_with("Nothing is sent ("), "{preview:?}");
        assert!(preview.output.contains(said), "{preview:?}");
    }
}

#[test]
fn what_only_browsers_and_node_have_is_explained() {
    let folder = Folder::new();
    for (call, said) in [
        ("fetch('https://example.com')", "there is no network and there are no timers"),
        ("setTimeout(extend, 1)", "there is no network and there are no timers"),
        ("require('fs')", "this is not Node.js"),
    ] {
        let script = format!("function extend(request) {{\n  {call};\n  return request;\n}}");
        let path = folder.write("mine.js", &script);
        let sentence = local(&["preview", "payment.failed", "--transform", &path], &[]).sentence();
        let name = call.split('(').next().unwrap();
        assert!(
            sentence.contains(&format!("mine.js:2: ReferenceError: {name} is not defined: ")),
            "{sentence}"
        );
        assert!(sentence.contains(said), "{sentence}");
    }
}

#[test]
fn settings_come_from_the_file_and_the_environment_wins() {
    let folder = Folder::new();
    let file = folder.write("settings.env", "EVENT_NAMES=payment.failed=From The File\n");
    let arguments = ["preview", "payment.failed", "--settings", &file];
    assert!(local(&arguments, &[]).output.contains("\"From The File\""));
    let shell = [("EVENT_NAMES", "payment.failed=From The Shell")];
    assert!(local(&arguments, &shell).output.contains("\"From The Shell\""));
}

/// Also what the function refuses, but no preview needs.
#[test]
fn settings_that_the_function_refuses_are_all_said_in_its_own_words() {
    let wrong = [
        ("CUSTOMERIO_REGION", "eur"),
        ("DODO_ENVIRONMENT", "sandbox"),
        ("SECRET_TTL_SECONDS", "abc"),
        ("LOG_LEVEL", "loud"),
    ];
    let expected = "CUSTOMERIO_REGION must be us or eu, not \"eur\".\n\
                    DODO_ENVIRONMENT must be live or test, not \"sandbox\".\n\
                    SECRET_TTL_SECONDS must be a number of seconds from 1 to 86400, not \"abc\".\n\
                    LOG_LEVEL must be one of ";
    for tool in [&["preview", "payment.failed"][..], &["check"]] {
        let sentences = local(tool, &wrong).sentence();
        assert!(sentences.starts_with(expected), "{sentences}");
        assert_eq!(sentences.lines().count(), wrong.len(), "{sentences}");
    }
    let test = local(&["preview", "payment.failed"], &[("DODO_ENVIRONMENT", "test")]);
    assert!(test.output.contains("\"dodo_environment\": \"test\""), "{test:?}");
}

#[test]
fn the_console_is_shown_whatever_becomes_of_the_event() {
    let folder = Folder::new();
    for (text, outcome) in [
        ("function extend() { console.log('here'); throw new Error('no') }", "Error: no"),
        ("function extend() { console.log('here'); return null }", "Nothing is sent"),
        (
            "function handler(webhook) { console.log('here'); webhook.cancel = true; return webhook }",
            "Nothing is sent",
        ),
        ("function handler(webhook) { console.log('here'); return webhook }", "Nothing is sent"),
        ("function handler() { console.log('here') }", "returned no webhook"),
        (
            "function handler(webhook) { console.log('here'); webhook.url = 'https://example.com/'; return webhook }",
            "webhook.url leads to another host",
        ),
    ] {
        let path = folder.write("mine.js", text);
        let preview = local(&["preview", "payment.failed", "--transform", &path], &[]);
        let printed = preview.output + &preview.errors;
        assert!(
            positions(&printed, &[outcome, "\n\nconsole, mine.js: here"]).is_sorted(),
            "{printed}"
        );
    }
}

#[test]
fn a_key_knows_the_person_of_events_that_carry_only_an_id() {
    let by_address = &[("PERSON_IDENTIFIER", "email")];
    for (event, recipe) in
        [("abandoned_checkout.detected", "abandoned-checkout"), ("license_key.created", "delivery")]
    {
        let mail = ["preview", event, "--mail", recipe];
        let without = local(&mail, by_address);
        assert!(without.errors.contains("no email address"), "{without:?}");
        let with_key = local(&[&mail[..], &["--key"]].concat(), by_address);
        assert!(with_key.output.contains("Hello Ada Beispiel,"), "{with_key:?}");
    }
}

#[test]
fn the_mail_of_a_campaign_is_shown_as_text_with_and_without_a_key() {
    let mail = |event: &str, recipe: &str, more: &[&str]| {
        local(&[&["preview", event, "--mail", recipe][..], more].concat(), &[])
    };
    let receipt = mail("payment.succeeded.kwd", "receipt", &[]);
    let headings = ["KEY=1", "Subject: Your payment of 1.500 KWD\n", "Hello Noor Mithal,\n"];
    assert!(positions(&receipt.output, &headings).is_sorted(), "{receipt:?}");
    assert!(!receipt.output.contains("Sample Product"), "{receipt:?}");
    let with_key = mail("payment.succeeded.kwd", "receipt", &["--key"]).output;
    assert!(with_key.contains("- 1 × Sample Product\n"), "{with_key}");

    let left = mail("abandoned_checkout.detected", "abandoned-checkout", &[]).output;
    assert!(left.contains("would not start this: payment_link is absent."), "{left}");
    let left = mail("abandoned_checkout.detected", "abandoned-checkout", &["--key"]).output;
    assert!(left.contains("[https://checkout.example.com/pay_sample] Go back"), "{left}");

    let card = mail("payment.succeeded.card_update", "card-expires", &[]).output;
    assert!(card.contains("Sets card_expires_at on the person: 1940716800.\n"), "{card}");

    let unknown = mail("payment.succeeded", "receit", &[]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
}

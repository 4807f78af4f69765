//! Which event is meant, and what is said where none is.

use crate::running::{Folder, local, local_reading, root};
use std::fs;
use std::process::Command;

const EVENT: &str = r#"{"type": "payment.failed", "timestamp": "2026-11-20T10:00:00Z",
    "data": {"customer": {"customer_id": "cus_own", "email": "own@example.com"}, "status": "failed"}}"#;

#[test]
fn an_event_is_a_samples_name_a_path_or_standard_input() {
    let folder = Folder::new();
    let path = folder.write("my own.json", EVENT);
    let mut previews = Vec::new();
    for given in ["payment.failed", "events/payment.failed.json"] {
        previews.push(local(&["preview", given], &[]));
    }
    assert_eq!(previews[0].output, previews[1].output);
    previews.push(local(&["preview", &path], &[]));
    previews.push(local_reading(&["preview", "-"], EVENT));
    assert_eq!(previews[2].output, previews[3].output);
    assert!(previews[2].output.contains("own@example.com"), "{previews:?}");
    assert!(previews.iter().all(|preview| preview.code == Some(0)), "{previews:?}");
}

#[test]
fn an_own_event_is_found_by_its_name_and_git_does_not_see_it() {
    let name = format!("test-{}", stand_ins::dodo::random_hex());
    let path = root().join(format!("events/own/{name}.json"));
    fs::write(&path, EVENT).unwrap();
    let preview = local(&["preview", &name], &[]);
    let mut git = Command::new("git");
    let ignored = git.args(["check-ignore", "--quiet"]).arg(&path).current_dir(root()).status();
    let ignored = ignored.map(|status| status.code());
    fs::remove_file(path).unwrap();
    assert!(preview.output.contains("own@example.com"), "{preview:?}");
    // 128: this is no git checkout.
    assert!(matches!(ignored, Ok(Some(0 | 128)) | Err(_)), "{ignored:?}");
}

#[test]
fn an_unknown_name_gets_the_nearest() {
    let sentence = local(&["preview", "payment.fialed"], &[]).sentence();
    assert!(sentence.contains("no sample named payment.fialed. The nearest is payment.failed."));
}

#[test]
fn what_is_no_event_is_said_and_no_tool_panics() {
    let folder = Folder::new();
    let path = folder.write("event.json", "[1]");
    for (arguments, expected) in [
        (vec!["preview", &path], "is no event of Dodo's. The body has no \"type\"."),
        (vec!["event", &path], "is no event of Dodo's"),
        (vec!["send", &path], "is no event of Dodo's"),
        (vec!["preview", "/missing.json"], "There is no file /missing.json."),
        (vec!["preview", "payment.failed", "--settings", "/missing"], "There is no file /missing"),
    ] {
        let sentence = local(&arguments, &[]).sentence();
        assert!(sentence.contains(expected), "{arguments:?}: {sentence}");
    }
    let sentence = local_reading(&["preview", "-"], "{").sentence();
    assert!(sentence.starts_with("What came in by standard input is not JSON"), "{sentence}");
}

#[test]
fn a_secret_that_cannot_be_one_is_a_sentence_without_it() {
    for garbage in ["garbage!", "whsec_", "whsec_ab c"] {
        for arguments in [
            &["send", "payment.failed"][..],
            &["send", "payment.failed", "--url", "http://127.0.0.1:9/"],
            &["event", "payment.failed"],
            &["dev", "--port", "0", "--page-port", "0"],
        ] {
            let sentence = local(arguments, &[("DODO_WEBHOOK_SECRET", garbage)]).sentence();
            assert!(sentence.starts_with("DODO_WEBHOOK_SECRET is "), "{arguments:?}: {sentence}");
            // The advice has the prefix, too.
            assert!(garbage == "whsec_" || !sentence.contains(garbage), "{sentence}");
        }
    }
}

#[test]
fn a_url_that_cannot_be_reached_is_a_sentence() {
    let secret = stand_ins::dodo::random_secret();
    let environment = [("DODO_WEBHOOK_SECRET", secret.as_str())];
    for (url, expected) in [
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/ does not respond"),
        ("nonsense", "URL=nonsense is not an address to post to. Type "),
    ] {
        let sentence = local(&["send", "payment.failed", "--url", url], &environment).sentence();
        assert!(sentence.starts_with(expected), "{sentence}");
    }
    let sentence = local(&["send", "payment.failed", "--url", "http://127.0.0.1:9/"], &[]);
    assert!(sentence.sentence().contains("put it into DODO_WEBHOOK_SECRET"));
}

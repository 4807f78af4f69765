//! A JavaScript file on the page, and an event that becomes a test.

use super::{Page, at_both_widths, step};
use crate::running::{Folder, root};
use std::fs;

/// What the terminal says then.
const TAKEN: &str = ": the function now runs with it";

/// A file that adds an attribute to the event.
fn naming(attribute: &str) -> String {
    format!(
        "function extend(request, webhook) {{\n  for (const item of request.batch) {{\n    \
         if (item.action === 'event') item.attributes.{attribute} = 'pro';\n  }}\n  \
         return request;\n}}\n"
    )
}

#[test]
fn how_a_changed_handler_changes_a_request() {
    let folder = Folder::new();
    let path = folder.write("mine.js", &naming("first"));
    at_both_widths(&["--transform", &path], |page| {
        let save = |page: &mut Page, text: &str, taken: &str| {
            folder.write("mine.js", text);
            page.dev.says(&format!("mine.js changed{taken}"));
        };
        save(page, &naming("plan"), TAKEN);
        page.send("payment.succeeded");
        page.shows(&step("Transform"), "mine.js");
        page.shows("ins", "\"plan\": \"pro\"");

        page.press("Compare transforms");
        page.shows("#compared ins", "\"plan\": \"pro\"");
        assert_eq!(page.count("#compared > pre del"), 0);

        // Saved: the difference follows by itself.
        save(page, &naming("tier"), TAKEN);
        page.shows("#compared > pre", "+         \"tier\": \"pro\"");
        // The version before it against the one of now.
        page.click(
            "//select[@id='left']/option[contains(., 'version') and not(contains(., 'now'))][1]",
        );
        page.shows("#compared > pre", "tier");

        // What cannot be used is said, with file and line.
        save(page, "function extend(request) {\n  return request +;\n}\n", ", but cannot be used");
        page.shows("#alerts", "mine.js:2");
        save(page, &naming("tier"), TAKEN);
        page.shows("#compared > pre", "tier");
    });
}

#[test]
fn an_event_becomes_a_sample_with_a_test() {
    let name = format!("page-{}", stand_ins::dodo::random_hex());
    let own = root().join("events/own");
    let files = [own.join(format!("{name}.json")), own.join(format!("expected/{name}.json"))];
    at_both_widths(&[], |page| {
        page.send("payment.failed");
        page.press("Keep as a sample");
        page.fill("#name", &name);
        page.press("Show what is written");
        page.shows("#kept", "data.customer.email");
        page.shows("#kept", &format!("events/own/{name}.json"));
        page.press("Write the files");
        page.shows("#kept", &format!("make send EVENT={name}"));
        assert!(files.iter().all(|path| path.exists()), "{files:?}");
        page.press("Write the files");
        page.shows("#write + [role=alert]", "There is a file");
        for path in &files {
            fs::remove_file(path).unwrap();
        }
    });
}

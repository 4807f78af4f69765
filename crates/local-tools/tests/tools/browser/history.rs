//! The list of webhooks: what is in it, how it is searched, and that it lasts.

use super::{Page, at_both_widths};
use crate::running::root;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::Path;

#[test]
fn it_is_searched_by_mouse_and_keyboard() {
    at_both_widths(&[], |page| {
        for sample in ["payment.succeeded", "payout.success", "subscription.active"] {
            page.send(sample);
        }
        page.press("Webhooks");
        page.shows("#count", "3 webhooks");
        let finds = |what: &str, count: &str| {
            page.shows("#webhooks li:only-child", what);
            page.shows("#count", count);
        };
        page.choose("type", "subscription.active");
        finds("subscription.active", "1 of 3 webhooks");
        page.choose("type", "any type");
        page.choose("outcome", "ignored");
        finds("payout.success", "1 of 3 webhooks");
        page.choose("outcome", "any outcome");
        page.fill("[name=person]", "ADA@");
        page.shows("#count", "2 of 3 webhooks");
        page.run("find('[name=person]').value = ''; find('#filter').reset()");

        // The keyboard alone: into the search, out of it, down the list, into a webhook and back.
        page.run("document.activeElement.blur()");
        page.keys("/card_last_four");
        finds("payment.succeeded", "1 of 3 webhooks");
        page.keys("\u{e00c}");
        page.run("find('#filter').reset(); find('#filter').dispatchEvent(new Event('input'))");
        page.has(3, "#webhooks li");
        page.keys("jjk");
        page.keys("j\u{e007}");
        page.shows("#opened h2", "payout.success");
        page.keys("\u{e00c}");
        page.shows("#count", "3 webhooks");
        page.shows("#webhooks a:focus", "payout.success");
    });
}

#[test]
fn webhooks_from_outside_are_announced() {
    let Some(page) = Page::start(&[]) else { return };
    page.shows("#count", "No webhooks yet.");
    assert_eq!(page.dev.send("refund.succeeded").code, Some(0));
    page.shows("#webhooks", "refund.succeeded");
    page.shows("#news", "New webhook: refund.succeeded, delivered");
}

/// Restarted with a thousand webhooks in its history, the page has them all, and what a person does takes no time
/// that could be noticed.
#[test]
fn a_thousand_survive_a_restart_and_stay_quick() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let history = root().join(format!("target/local/history-{port}.jsonl"));
    let Some(page) = Page::start(&["--port", &port]) else { return };
    page.send("payment.succeeded");
    drop(page);
    multiply(&history, 1_000);

    let page = Page::start(&["--port", &port]).unwrap();
    page.shows("#count", "1000 webhooks");
    page.has(200, "#webhooks li");
    page.press("Show more");
    page.has(400, "#webhooks li");
    let milliseconds = (0..3).map(|_| search(&page)).min().unwrap();
    assert!(milliseconds < 500, "{milliseconds} ms");
    page.fill("[name=text]", "many_777");
    page.shows("#count", "1 of 1000 webhooks");
    page.click("#webhooks a");
    page.shows("#opened", "many_777");
    page.press("People");
    page.shows("#view", "ada@example.com");
    fs::remove_file(history).unwrap();
}

/// Makes many webhooks of the one in a history.
fn multiply(history: &Path, count: u64) {
    let record: Value = serde_json::from_str(fs::read_to_string(history).unwrap().trim()).unwrap();
    let numbered = (1..=count).map(|number| {
        let mut record = record.clone();
        record["number"] = number.into();
        record["webhook_id"] = json!(format!("many_{number}"));
        format!("{record}\n")
    });
    fs::write(history, numbered.collect::<String>()).unwrap();
}

/// How long a search takes until the list shows what it found, in milliseconds.
fn search(page: &Page) -> u64 {
    let taken = page.run(
        "const type = async (text, found) => {
            find('[name=text]').value = text;
            find('#filter').dispatchEvent(new Event('input'));
            while (!find('#count').innerText.startsWith(found)) await new Promise(requestAnimationFrame);
         };
         await type('', '1000');
         const start = performance.now();
         await type('many_99', '11 of');
         const taken = performance.now() - start;
         await type('', '1000');
         return Math.round(taken)",
    );
    taken.as_u64().unwrap_or_else(|| panic!("{taken}"))
}

//! Sending an event again, as it was or edited.

use super::{at_both_widths, step};
use serde_json::json;

#[test]
fn the_same_bytes_are_counted_once_and_an_edited_event_again() {
    at_both_widths(&[], |page| {
        page.send("payment.succeeded");
        page.shows("#opened h2", "200 delivered");
        page.press("Replay");
        page.shows(&step("Arrived"), "A replay of webhook");
        page.shows(&step("What changed"), "It is counted once.");

        // The same copy once more, as it was.
        page.press("Replay an exact copy");
        page.shows(&step("What changed"), "It is counted once.");

        // A name that would be markup if the page did not escape it.
        page.press("Edit and send again");
        page.shows("#view h2", "Edit payment.succeeded");
        page.run(
            "const area = find('#event'), event = JSON.parse(area.value);
            event.data.customer.name = '<img src=x onerror=\"document.title=1\">';
            event.data.total_amount = 4200; area.value = JSON.stringify(event)",
        );
        page.click("#send");
        page.shows(&step("What changed"), "€42.00");
        page.shows(&step("What changed"), "<img src=x");
        page.shows("#opened h2", "200 delivered");
        assert_eq!(page.count("img"), 0);
        assert_ne!(page.run("return document.title"), json!("1"));
        page.press("Webhooks");
        page.shows("#count", "4 webhooks");
        page.shows("#webhooks", "counted before");
    });
}

#[test]
fn what_is_no_event_or_not_signed_is_explained() {
    at_both_widths(&[], |page| {
        page.send("payment.failed");
        page.press("Edit and send again");
        page.fill("#event", "{");
        page.click("#send");
        page.shows("#opened h2", "400 malformed");
        page.press("Send");
        page.shows_value("#event", "payment.succeeded");
        page.click("#forged");
        page.click("#send");
        page.shows("#opened h2", "401 unauthorized");
        page.shows(&step("Signature"), "No signature in webhook-signature matches.");
    });
}

#[test]
fn a_service_that_fails_is_retried_and_well_again_at_a_click() {
    at_both_widths(&[], |page| {
        page.press("Failures");
        page.click("[id='customerio.503'] button");
        page.shows("[id='customerio.503']", " on");
        // Whoever uses the keyboard stays where they are.
        let focused = page.run("return document.activeElement.getAttribute('aria-label')");
        assert_eq!(focused, json!("Next request: Unavailable (503)"));
        page.send("payment.succeeded");
        page.shows("#opened h2", "200 delivered");
        let attempts = step("Sent to Customer.io");
        page.shows(&attempts, "failed on purpose");
        page.shows(&attempts, "Customer.io took everything.");

        page.press("Failures");
        page.click("[id='customerio.503'] button:nth-of-type(2)");
        page.send("payment.succeeded");
        page.shows("#opened h2", "503 retry");
        page.shows(&step("Response to Dodo"), "Dodo tries again, for 27 hours.");
        page.shows("#alerts", "Failing on purpose: Customer.io: 503.");
        page.click("#alerts a");
        page.press("All well again");
        page.run("for (let times = 0; find('#alerts').innerText && times < 100; times += 1) await new Promise((it) => setTimeout(it, 50))");
        page.send("payment.succeeded");
        page.shows("#opened h2", "200 delivered");
    });
}

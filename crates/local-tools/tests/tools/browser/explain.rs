//! What somebody new to this learns from the page alone.

use super::{Page, at_both_widths, step};
use crate::running::Folder;

#[test]
fn why_an_event_of_an_unknown_address_was_ignored() {
    let folder = Folder::new();
    let settings = folder.write("settings.env", "PERSON_IDENTIFIER=email\n");
    at_both_widths(&["--settings", &settings], |page| {
        page.send("abandoned_checkout.detected");
        page.shows("#opened h2", "200 ignored");
        page.shows("#about", "PERSON_IDENTIFIER=email");
        let who = step("Who it is about");
        page.shows(&who, "Nobody that can be named");
        page.shows(&who, "PERSON_IDENTIFIER is email");
        page.shows("#opened .note", "What to do: Give the function a dodo_api_key");
        page.shows(&step("Lookups at Dodo"), "There is no dodo_api_key");
        page.shows(&step("Sent to Customer.io"), "Nothing was sent.");
        page.shows(&step("Response to Dodo"), "Dodo is done with it.");
    });
}

#[test]
fn what_a_207_does() {
    at_both_widths(&[], |page| {
        page.press("Failures");
        page.click("[id='customerio.207'] button");
        page.shows("[id='customerio.207']", "on");
        page.send("payment.succeeded");
        page.shows("#opened h2", "422 rejected");
        let sent = step("Sent to Customer.io");
        page.shows(&sent, "took the request (207), but refused 1 of its items. The others count.");
        page.shows("section[aria-label='identify']", "accepted");
        page.shows("section[aria-label='event \"Payment Completed\"']", "refused");
        page.shows(&step("Response to Dodo"), "Dodo does not try again. It keeps the message");
        // The state of the person counts, the event does not.
        page.shows(&step("What changed"), "last_payment_amount");
        page.shows(&step("What changed"), "€29.00 29.00");
        assert!(!page.text(&step("What changed")).contains("Event \"Payment Completed\""));
    });
}

#[test]
fn what_each_step_did_and_what_changed() {
    at_both_widths(&["--key"], |page| {
        page.send("payment.succeeded");
        page.shows("#opened h2", "200 delivered");
        page.shows(&step("Signature"), "Signed with the endpoint's secret");
        page.shows(&step("Who it is about"), "PERSON_IDENTIFIER is customer_id");
        page.click(&format!("{}//summary", step("Lookups at Dodo")));
        page.shows(&step("Lookups at Dodo"), "GET /");
        page.shows(&step("Transform"), "The built-in transform");
        page.shows(&step("Sent to Customer.io"), "Customer.io took everything.");
        let changed = step("What changed");
        for text in ["(new)", "Event \"Payment Completed\"", "€29.00", "total_spent"] {
            page.shows(&changed, text);
        }
        page.click("//li[h3='Mails that campaigns could start']//summary[.='The mail']");
        let mail = page.run(
            "const mail = find('iframe');
            return [mail.getAttribute('sandbox'), mail.srcdoc.includes('<p>')]",
        );
        assert_eq!(mail, serde_json::json!(["", true]));

        // The person: what is known, and how it came.
        page.press("ada@example.com");
        page.shows("#view", "Timeline");
        page.shows("#view .steps", "Event \"Payment Completed\"");
        page.shows("#view .steps", "Attributes changed");
        page.press("All people");
        page.fill("#who", "nobody@");
        page.shows("#view", "Nobody of 1.");
        page.fill("#who", "ada");
        page.shows("#view table", "ada@example.com");
    });
}

#[test]
fn what_is_said_of_a_request_is_true_whatever_became_of_it() {
    let Some(page) = Page::start(&[]) else { return };
    let sent = step("Sent to Customer.io");
    for (fault, button, said, verdict) in [
        ("customerio.400", 1, "refused the whole request for good (400).", "refused"),
        ("customerio.unreadable", 2, "What came back (200) is not Customer.io's", "no response"),
        ("customerio.cut", 2, "Customer.io had the request all the same", "no response"),
        ("customerio.broken", 2, "Customer.io did nothing of it.", "not taken"),
        ("customerio.wrong_region", 1, "took nothing of it (301).", "not taken"),
    ] {
        page.press("Failures");
        page.click(&format!("[id='{fault}'] button:nth-of-type({button})"));
        page.shows(&format!("[id='{fault}']"), " on");
        page.send("payment.succeeded");
        page.shows(&sent, said);
        let text = page.text(&sent);
        assert!(!text.contains("took everything") && !text.contains("accepted"), "{fault}: {text}");
        page.shows("section[aria-label='identify'] .badge", verdict);
        page.press("Failures");
        page.press("All well again");
        page.run("for (let times = 0; find('#alerts').innerText && times < 100; times += 1) await new Promise((it) => setTimeout(it, 50))");
    }
}

#[test]
fn a_webhook_that_was_not_verified_has_no_steps_behind_that() {
    let Some(page) = Page::start(&[]) else { return };
    let is_no_more = |page: &Page| {
        for title in
            ["Who it is about", "Lookups at Dodo", "Transform", "Mails that campaigns could start"]
        {
            let headings = page.text(".steps");
            assert!(!headings.contains(title), "{title}: {headings}");
        }
        page.shows(&step("Sent to Customer.io"), "Nothing was sent.");
    };
    page.press("Send");
    page.shows_value("#event", "payment.succeeded");
    page.click("#forged");
    page.click("#send");
    page.shows("#opened h2", "401 unauthorized");
    is_no_more(&page);

    page.press("Failures");
    page.click("[id='secrets_manager.access_denied'] button:nth-of-type(2)");
    let since = "return (await (await fetch('/api/state')).json()).function.since";
    let before = page.run(since);
    page.press("Restart the function");
    page.run(&format!(
        "for (let times = 0; times < 600; times += 1) {{
           const state = await (await fetch('/api/state')).json();
           if (state.function.since !== {before}) return;
           await new Promise((it) => setTimeout(it, 50));
         }}"
    ));
    page.send("payment.succeeded");
    page.shows("#opened h2", "503 retry");
    page.shows(&step("Signature"), "It was not checked.");
    is_no_more(&page);
}

#[test]
fn an_ignored_event_made_no_request_and_numbers_are_shown_as_they_came() {
    let Some(page) = Page::start(&["--key"]) else { return };
    page.send("payout.created");
    page.shows(&step("Transform"), "The built-in transform made no request.");
    let dates = page.run(
        "const { inWords } = await import('/page/format.js');
         return [inWords('created_at', 1700000001, {}) !== null, inWords('order_id', 1700000001, {})]",
    );
    assert_eq!(dates, serde_json::json!([true, null]));
    // A sample that cannot be read leaves nothing of the one before.
    page.press("Send");
    page.shows_value("#event", "payment.succeeded");
    page.run(
        "const select = find('#sample'); select.add(new Option('gone')); select.value = 'gone';
         select.dispatchEvent(new Event('change'))",
    );
    page.shows("#view [role=alert]", "There is no such sample.");
    assert_eq!(page.run("return find('#event').value"), serde_json::json!(""));
    page.send("payout.created");
    page.press("Edit and send again");
    let event = r#"{"type":"payout.created","timestamp":"2026-11-20T09:15:02Z","data":{"n":9007199254740993}}"#;
    page.shows_value("#event", "payout.created");
    page.fill("#event", event);
    page.click("#send");
    page.shows(&step("Arrived"), "A replay of webhook");
    page.press("Edit and send again");
    page.shows_value("#event", "\"n\": 9007199254740993");
    // Opened by its address, before anything else is known.
    page.send("payment.succeeded");
    page.run("location.reload()");
    page.shows(&step("Lookups at Dodo"), "GET /");
}

//! What somebody new to this learns from the page alone.

use super::{at_both_widths, step};
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

//! The list of webhooks: what is in it, how it is searched, and that it lasts.

use super::{Page, at_both_widths};

#[test]
fn it_is_searched_by_mouse_and_keyboard() {
    at_both_widths(&[], |page| {
        for sample in ["payment.succeeded", "payout.success", "subscription.active"] {
            page.send(sample);
        }
        page.press("Webhooks");
        page.shows("#count", "3 webhooks");
        let finds = |what: &str, count: &str| {
            page.shows("#count", count);
            page.shows("#webhooks", what);
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
        page.shows("#count", "3 webhooks");
        page.keys("jjk");
        page.keys("j\u{e007}");
        page.shows("#opened h2", "payout.success");
        page.keys("\u{e00c}");
        page.shows("#count", "3 webhooks");
        let focused = page.run("return document.activeElement.innerText");
        assert!(focused.as_str().unwrap().starts_with("payout.success"), "{focused}");
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

//! The page for everybody: no serious finding of axe in any view, in dark and light, wide and narrow; nothing
//! that a narrow window cuts off. With `PICTURE=docs/page.png`, the picture of the documents is made on the way.

use super::{Page, WIDTHS};
use crate::running::root;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::{env, fs};

/// Findings that count. `moderate` and `minor` ones are advice.
const FINDINGS: &str = "const result = await axe.run(document, { resultTypes: ['violations'] });
    return result.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
        .map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])";

#[test]
fn every_view_is_readable_by_everybody() {
    let path = root().join("transforms/examples/plans.js");
    let Some(page) = Page::start(&["--transform", path.to_str().unwrap()]) else { return };
    page.resize(WIDTHS[0]);
    page.send("payout.success");
    page.press("Failures");
    page.click("[id='customerio.207'] button");
    for sample in ["payment.succeeded", "payment.failed", "subscription.active"] {
        page.send(sample);
    }
    picture(&page);
    let opened = page.run("return location.hash");
    let opened = opened.as_str().unwrap();
    let views = ["#/", "#/send", "#/people", "#/failures", opened]
        .map(str::to_owned)
        .into_iter()
        .chain(["edit", "compare", "keep"].map(|view| format!("{opened}/{view}")))
        .chain([person(&page)]);
    page.run(&axe());
    for view in views {
        page.run(&format!("location.hash = {}", json!(view)));
        page.run("await new Promise((it) => setTimeout(it, 300)); for (const it of document.querySelectorAll('details')) it.open = true");
        for scheme in ["dark", "light"] {
            page.prefer(scheme);
            for width in WIDTHS {
                page.resize(width);
                assert_eq!(page.run(FINDINGS), json!([]), "{view} {scheme} {width}");
                let needed = page.run("return document.documentElement.scrollWidth");
                assert!(needed.as_u64() <= Some(width.into()), "{view} {width}: {needed}");
            }
        }
    }
}

fn person(page: &Page) -> String {
    let people = page.run("return (await (await fetch('/api/people')).json()).people[0].cio_id");
    format!("#/people/{}", people.as_str().unwrap())
}

fn picture(page: &Page) {
    if let Some(path) = env::var_os("PICTURE") {
        page.prefer("light");
        page.run("await new Promise((it) => setTimeout(it, 300))");
        fs::write(root().join(path), page.screenshot()).unwrap();
    }
}

/// axe-core, from the package that brings it along.
fn axe() -> String {
    let lib = root().join(".venv/lib");
    let folders = fs::read_dir(&lib).into_iter().flatten().flatten();
    let file = |folder: PathBuf| folder.join("site-packages/axe_playwright_python/axe.min.js");
    let text = folders.map(|it| file(it.path())).find_map(|path| fs::read_to_string(path).ok());
    text.unwrap_or_else(|| panic!("axe-core is not in {}. Type: make setup", lib.display()))
}

#[test]
fn dark_and_light_are_chosen_by_the_system_and_then_by_the_reader() {
    let Some(page) = Page::start(&[]) else { return };
    let background = || page.run("return getComputedStyle(document.body).backgroundColor");
    page.prefer("light");
    let light = background();
    page.prefer("dark");
    let dark = background();
    assert_ne!(dark, light);
    page.press("Dark / light");
    assert_eq!(background(), light);
    page.prefer("light");
    page.press("Dark / light");
    page.run("location.reload()");
    page.shows("#count", "webhooks");
    assert_eq!(background(), dark);
}

/// Money by the decimals that the function chose, whatever the browser thinks of the currency.
#[test]
fn values_are_shown_as_people_read_them() {
    let Some(page) = Page::start(&[]) else { return };
    let words = |attributes: &Value, name: &str| {
        let script = format!(
            "const {{ inWords }} = await import('/page/format.js'), all = {attributes};
             return inWords({0}, all[{0}], all)",
            json!(name)
        );
        page.run(&script)
    };
    let eur = json!({"payment_amount": "29.00", "payment_amount_minor": 2900, "currency": "EUR",
        "created_at": 1_795_906_800, "status": "succeeded", "next_billing": "", "payments_count": 1_795_906_800});
    assert_eq!(words(&eur, "payment_amount"), json!("€29.00"));
    assert_eq!(words(&eur, "created_at").as_str().map(|it| it.contains("Nov 2026")), Some(true));
    assert_eq!(words(&eur, "next_billing"), json!("cleared"));
    for plain in ["status", "payment_amount_minor", "payments_count"] {
        assert_eq!(words(&eur, plain), Value::Null, "{plain}");
    }
    for (amount, currency, expected) in
        [("1500", "JPY", "JP¥1,500"), ("1.500", "KWD", "KWD\u{a0}1.500"), ("7.00", "?", "7.00 ?")]
    {
        let attributes = json!({"last_payment_amount": amount, "last_payment_amount_minor": 1, "last_payment_currency": currency});
        assert_eq!(words(&attributes, "last_payment_amount"), json!(expected));
    }
    let total = json!({"total_spent_usd": "5.00", "total_spent_usd_minor": 500});
    assert_eq!(words(&total, "total_spent_usd"), json!("US$5.00"));
}

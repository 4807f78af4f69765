//! Every page of `docs/campaigns` is sound; a page that is not is named with its line.

use recipes::{Vocabulary, check, recipe, recipes};

const GOOD: &str = include_str!("../../../docs/campaigns/renewed.md");

/// All recipes of issue and page.
const NAMES: [&str; 12] = [
    "abandoned-checkout",
    "cancelled",
    "card-expires",
    "delivery",
    "dispute",
    "dunning",
    "receipt",
    "refund",
    "renewed",
    "subscription-started",
    "trial-ends",
    "welcome",
];

#[test]
fn every_page_is_sound() {
    let all = recipes().unwrap_or_else(|faults| panic!("{}", faults[0]));
    let vocabulary = Vocabulary::read();
    let faults: Vec<String> =
        all.iter().flat_map(|it| check(it, &vocabulary)).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert_eq!(all.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), NAMES);
}

/// Campaigns that an event starts look at the environment, so that test purchases stay out.
#[test]
fn test_purchases_stay_out_of_every_campaign() {
    for recipe in recipes().unwrap() {
        for campaign in recipe.campaigns {
            let filters = campaign.event_filters.iter();
            let mut attributes = filters.map(|filter| filter.value.attribute.as_str());
            let starts_by_date = matches!(campaign.trigger.value, recipes::Trigger::Date(..));
            assert!(
                starts_by_date || attributes.any(|name| name == "dodo_environment"),
                "{}: {}",
                recipe.file,
                campaign.name
            );
        }
    }
}

#[test]
fn the_overview_links_to_every_page_and_each_page_explains_itself() {
    let overview = include_str!("../../../docs/campaigns.md");
    for recipe in recipes().unwrap() {
        assert!(overview.contains(&format!("(campaigns/{}.md)", recipe.name)), "{}", recipe.name);
        assert!(overview.contains(recipe.promise.as_str()), "{}: {}", recipe.name, recipe.promise);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../").to_owned() + &recipe.file;
        let text = std::fs::read_to_string(path).unwrap();
        for part in ["## What goes wrong without it", "## Preview", "**Kind:**", "**Needs:**"] {
            assert!(text.contains(part), "{}: no {part}", recipe.file);
        }
    }
}

/// The first fault of the good page with one change, as it is shown.
fn fault(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let file = "docs/campaigns/renewed.md";
    match recipe(file, &GOOD.replacen(from, to, 1)) {
        Err(fault) => fault.to_string(),
        Ok(recipe) => {
            check(&recipe, &Vocabulary::read()).first().map(ToString::to_string).unwrap_or_default()
        }
    }
}

/// The line of the good page on which this stands.
fn line(text: &str) -> usize {
    GOOD.lines().position(|line| line.contains(text)).unwrap() + 1
}

#[test]
fn the_page_that_the_faults_are_made_from_has_none() {
    assert_eq!(fault("# Thanks", "# Thanks"), "");
}

#[test]
fn unknown_names_are_faults_with_file_and_line() {
    for (from, to, says) in [
        (
            "event `Subscription Renewed`",
            "event `Subscription Renewd`",
            "no event is called Subscription Renewd",
        ),
        (
            "`is_first_billing` is equal",
            "`is_first_biling` is equal",
            "this event has no attribute is_first_biling",
        ),
        ("is equal to `false`", "equals `false`", "“equals” is not a comparison"),
        ("- Frequency: every time", "- Frequency: often", "write “once for each person”"),
        ("mail `renewed`", "mail `renewd`", "no mail is called renewd"),
        (
            "- Send: mail",
            "- Wait until: event `Payment Paid`, which ends the journey; 1 hour at most\n- Send: mail",
            "no event is called Payment Paid",
        ),
        ("- Send: mail", "- Wait until: event `Payment Completed`\n- Send: mail", "1 hour at most"),
        ("- Exit: never early", "- Ende: never early", "“Ende” is not part of a campaign"),
        ("event.next_billing |", "event.next_biling |", "this event has no attribute next_biling"),
        ("customer.name", "customer.first_name", "a person has no attribute first_name"),
        ("date: \"%B", "in_words: \"%B", "there is no filter in_words"),
        ("{% if event.next_billing %}", "{% when event.next_billing %}", "there is no tag when"),
        ("event.name |", "evnt.name |", "there is no variable evnt"),
    ] {
        let shown = fault(from, to);
        let place = format!("docs/campaigns/renewed.md:{}: ", line(from));
        assert!(shown.starts_with(&place) && shown.contains(says), "{from} → {to}: {shown}");
    }
}

#[test]
fn liquid_that_cannot_be_read_is_a_fault_with_file_and_line() {
    let body = line("<p>Hello");
    let missing_end = fault("{% endif %} has been", " has been");
    assert!(missing_end.starts_with("docs/campaigns/renewed.md:"), "{missing_end}");
    let broken = fault("| escape }},</p>", "| escape },</p>");
    let place = format!("docs/campaigns/renewed.md:{body}: this Liquid cannot be read: ");
    assert!(broken.starts_with(&place), "{broken}");
}

#[test]
fn a_page_without_its_parts_is_a_fault() {
    for (from, to, says) in [
        ("> A person", "A person", "the sentence after > is missing"),
        ("## Campaign", "## Workflow", "no section ## Campaign"),
        ("- Exit: never early\n", "", "the campaign has no Exit"),
        ("```liquid", "```html", "a mail has two ```liquid blocks"),
    ] {
        let shown = fault(from, to);
        assert!(shown.contains(says) && shown.starts_with("docs/campaigns/renewed.md:"), "{shown}");
    }
}

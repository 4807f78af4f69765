//! `docs/events.md` says what [`table`](super::table) says: no more and no less.

use super::table::{EVERY_EVENT, FROM_PAYMENT, GROUPS, Kind, LEFT_OUT, Row};
use super::{EVENT_TYPES, EventNames, ExcludedFields};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/events.md");
const PRIVACY: &str = include_str!("../../../docs/privacy.md");

fn rows(heading: &str) -> Vec<Vec<String>> {
    rows_in(PAGE, heading)
}

/// The cells of the table rows below a heading, backticks removed.
fn rows_in(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, below) = page
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("the page has no heading \"{heading}\""));
    let section = below.split("\n#").next().unwrap_or_default();
    let table = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cell = |cell: &str| cell.trim().replace('`', "");
    table.map(|line| line.trim_matches('|').split('|').map(cell).collect()).collect()
}

fn documented(heading: &str) -> BTreeSet<[String; 3]> {
    let row = |cells: Vec<String>| [cells[0].clone(), cells[1].clone(), cells[2].clone()];
    rows(heading).into_iter().map(row).collect()
}

fn in_words(row: &Row) -> [String; 3] {
    let kind = match row.kind {
        Kind::Id => "id".to_owned(),
        Kind::Text => "string".to_owned(),
        Kind::TextOr(default) => format!("string, default {default}"),
        Kind::Number => "number".to_owned(),
        Kind::Flag => "flag".to_owned(),
        Kind::Date | Kind::DateOrCleared | Kind::Occurred => "date".to_owned(),
        Kind::Metadata => "metadata".to_owned(),
        Kind::Money(currency) | Kind::MoneyOrCleared(currency) | Kind::Decimal(currency) => {
            format!("money ({currency})")
        }
        Kind::Strings => "list of strings".to_owned(),
        Kind::Objects(fields) => format!("list of objects ({})", fields.join(", ")),
    };
    let field = if row.field.is_empty() { "–" } else { row.field };
    [row.attribute.to_owned(), field.to_owned(), kind]
}

fn in_code(rows: &[Row]) -> BTreeSet<[String; 3]> {
    rows.iter().map(in_words).collect()
}

#[test]
fn every_attribute_of_events_is_documented_and_no_other() {
    assert_eq!(documented("### every event"), in_code(EVERY_EVENT));
    assert_eq!(documented("### from the payment"), in_code(FROM_PAYMENT));
    for group in GROUPS {
        assert_eq!(documented(&format!("### {}", group.prefix)), in_code(group.event));
    }
}

#[test]
fn every_attribute_of_people_is_documented_and_no_other() {
    for group in GROUPS {
        let heading = format!("### person: {}", group.prefix);
        let is_documented = PAGE.contains(&format!("\n{heading}\n"));
        assert_eq!(is_documented, !group.person.is_empty(), "{heading}");
        if is_documented {
            let rows = group.person.iter().flat_map(|(_, rows)| rows.iter().copied());
            assert_eq!(documented(&heading), in_code(&rows.collect::<Vec<_>>()));
        }
    }
}

#[test]
fn every_event_is_documented_under_its_name() {
    let names = EventNames::default();
    let types: BTreeSet<_> = rows("## Events").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(types, EVENT_TYPES.map(str::to_owned).into());
    for row in rows("## Events") {
        let [event_type, name] = [&row[0], &row[1]];
        match event_type.strip_prefix("payout.") {
            Some(_) => assert!(name.starts_with("– (ignored"), "{event_type}"),
            None => assert_eq!(names.name_of(event_type).as_ref(), Some(name)),
        }
    }
}

/// Each setting on the page keeps its attribute back.
#[test]
fn what_can_be_personal_can_be_kept_back() {
    let rows = rows_in(PRIVACY, "## What is sent");
    assert!(rows.len() > 20, "{}", rows.len());
    for row in rows {
        let [attribute, setting] = [&row[0], &row[1]];
        let excluded = ExcludedFields::parse(setting).unwrap();
        assert!(excluded.contain(attribute), "{setting} for {attribute}");
        assert!(super::table::rows().any(|it| it.attribute == attribute) || attribute == setting);
    }
}

#[test]
fn what_is_never_sent_is_said_to_be() {
    let (_, text) = PRIVACY.split_once("\n## What is never sent\n").unwrap();
    let text = text.split("\n## ").next().unwrap();
    for field in ["card_holder_name", "tax_id", "error_message", "remarks"] {
        assert!(LEFT_OUT.contains(&field) && text.contains(&format!("`{field}`")), "{field}");
    }
}

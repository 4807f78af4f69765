//! What a person reads: before anything is sent, and afterwards.

use super::Summary;
use crate::Options;
use crate::exclusion::numbered;
use crate::folder::Folder;
use crate::people::STARTS_CAMPAIGNS;
use crate::plan::Plan;
use crate::reading::LISTS;
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// Before the first request.
pub const QUESTION: &str = "Send this to Customer.io?";

/// What will be sent, how long it takes, and what it may start.
pub fn plan(plan: &Plan, options: &Options, folder: &Folder) -> String {
    let mut lines = vec![read(plan), will_send(plan, options)];
    lines.extend(left_out(plan));
    lines.extend(held(plan, options));
    lines.extend(span(plan));
    lines.push(String::new());
    lines.push(profiles(plan));
    lines.push(campaigns(plan, options));
    if !plan.examples.is_empty() {
        lines.push("\nFor example, with personal data shortened:".to_owned());
        lines.extend(plan.examples.iter().map(|item| format!("  {}", shortened(item))));
    }
    lines.push(kept(plan, options, folder));
    lines.join("\n")
}

fn read(plan: &Plan) -> String {
    let read = LISTS.iter().filter_map(|list| Some((*list, *plan.read.get(*list)?)));
    let counts: Vec<_> =
        read.map(|(list, number)| count(number, list.trim_end_matches('s'), list)).collect();
    format!("Read from Dodo: {}, as of {}.", counts.join(", "), date(plan.read_at))
}

fn will_send(plan: &Plan, options: &Options) -> String {
    let mut parts = vec![count(plan.people, "person", "people")];
    if plan.objects > 0 {
        parts.push(count(plan.objects, "object", "objects"));
    }
    parts.push(if plan.events > 0 || options.events {
        count(plan.events, "event", "events")
    } else {
        "no events".to_owned()
    });
    let rate = u64::from(options.rate);
    let time = match plan.requests.checked_div(rate) {
        None => "as fast as Customer.io takes them".to_owned(),
        Some(seconds) => {
            format!(
                "some {} at {rate} requests a second",
                count(seconds.div_ceil(60).max(1), "minute", "minutes")
            )
        }
    };
    let requests = count(plan.requests, "request", "requests");
    format!("To be sent to Customer.io: {}, in {requests}: {time}.", parts.join(", "))
}

fn left_out(plan: &Plan) -> Vec<String> {
    let left = &plan.left_out;
    let reasons = [
        (
            left.without_events,
            "customer",
            "without a payment or a subscription of which a webhook tells",
        ),
        (left.excluded, "person", "in the file of EXCLUDE (--exclude)"),
        (
            left.out_of_range,
            "person",
            "to whom nothing happened between SINCE (--since) and UNTIL (--until)",
        ),
        (
            left.unidentified,
            "customer",
            "whom PERSON_IDENTIFIER cannot identify: no address, or no id of yours",
        ),
    ];
    let mut lines: Vec<_> = reasons
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, who)| {
            let many = if one == "person" { "people" } else { "customers" };
            format!("Not sent: {} {who}.", count(number, one, many))
        })
        .collect();
    if left.ownerless > 0 {
        let objects = count(left.ownerless, "object", "objects");
        lines.push(format!("Not used: {objects} of which Dodo does not say whose they are."));
    }
    if left.without_sums > 0 {
        lines.push(format!(
            "Without total_spent and its siblings: {} (a refund or dispute whose amount cannot be subtracted).",
            count(left.without_sums, "person", "people")
        ));
    }
    if !left.not_found.is_empty() {
        lines.push(format!(
            "The file of EXCLUDE (--exclude) names nobody whom Dodo knows in {} of its entries, who are not left out: {}.",
            left.not_found.len(),
            numbered(&left.not_found)
        ));
    }
    lines
}

/// Which events of history are not sent, why, and when they can be.
fn held(plan: &Plan, options: &Options) -> Vec<String> {
    let Some(end) = options.end_of_events().filter(|_| options.events) else { return Vec::new() };
    let (number, at) = (count(plan.held.after_bound, "event", "events"), date(end));
    let mut lines = vec![if options.events_until == Some(end) {
        format!(
            "Events end at {at}, when webhooks began to arrive: webhooks have brought what came since (held back: {number})."
        )
    } else {
        format!("Events end at {at}, as UNTIL (--until) says (held back: {number}).")
    }];
    if let Some(newest) = plan.held.newest {
        lines.push(format!(
            "Held back for 72 hours, since {} so young would start campaigns: {}. To bring the rest, type the same \
             command again after {}; nothing is counted twice.",
            if plan.held.recent == 1 { "one" } else { "any" },
            count(plan.held.recent, "event", "events"),
            date(newest + STARTS_CAMPAIGNS + 60)
        ));
    }
    lines
}

fn span(plan: &Plan) -> Option<String> {
    let (first, last) = plan.span?;
    Some(format!("The oldest is of {}, the newest of {}.", date(first / 1000), date(last / 1000)))
}

fn profiles(plan: &Plan) -> String {
    format!(
        "Profiles are billed: this makes at most {}, fewer if Customer.io knows some of them already.",
        count(plan.people, "new profile", "new profiles")
    )
}

fn campaigns(plan: &Plan, options: &Options) -> String {
    let events = if options.events && plan.events > 0 {
        "No campaign starts by an event: all of them are more than 72 hours old."
    } else {
        "No campaign starts by an event: none is sent."
    };
    format!(
        "{events}\nCampaigns that start by a segment, or by an attribute that changes, may start. Pause them in \
         Customer.io first."
    )
}

fn kept(plan: &Plan, options: &Options, folder: &Folder) -> String {
    let pages: u64 = plan.read.values().map(|objects| objects / 100 + 1).sum();
    let minutes = pages.checked_div(u64::from(options.calls_a_minute)).map(|minutes| {
        let minutes = count(minutes + 1, "minute", "minutes");
        format!(" (which takes some {minutes} at {} calls a minute)", options.calls_a_minute)
    });
    let dry = "\nThis was a dry run: nothing was sent. To send it, type the same command without DRY_RUN=1 (--dry-run).";
    format!(
        "\nWhat was read is kept in {}, readable by you alone, until it has been sent; for 6 hours it is not \
         read again{}. To remove it, delete that folder.{}",
        folder.root().display(),
        minutes.unwrap_or_default(),
        if options.dry_run { dry } else { "" }
    )
}

/// After a "no".
pub fn not_sent(folder: &Folder) -> String {
    format!(
        "Nothing was sent. To send it after all, type the same command again. What was read is in {}.",
        folder.root().display()
    )
}

/// What was sent, and what to look at next.
pub fn done(summary: &Summary) -> String {
    let Summary { people, objects, events, requests, refused, .. } = summary;
    let mut lines = vec![format!(
        "Sent in {}: {}, {}, {}. Refused: {}.",
        count(*requests, "request", "requests"),
        count(*people, "person", "people"),
        count(*objects, "object", "objects"),
        count(*events, "event", "events"),
        count(*refused, "item", "items"),
    )];
    if let Some(file) = &summary.refused_file {
        lines.push(format!(
            "What Customer.io refused is listed with its reasons in {}. It holds personal data: delete it when you \
             have read it.",
            file.display()
        ));
    }
    lines.push(NEXT.to_owned());
    lines.join("\n")
}

const NEXT: &str = "Next, in Customer.io: look at one person under People, build the segments, wait until their numbers \
     stand still, and only then start the campaigns that you have paused, for people who enter from now on.";

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Unix seconds as a date and a time of day.
fn date(seconds: u64) -> String {
    let moment =
        i64::try_from(seconds).ok().and_then(|it| OffsetDateTime::from_unix_timestamp(it).ok());
    let Some(moment) = moment else { return seconds.to_string() };
    let time = moment.time();
    format!("{} {:02}:{:02} UTC", moment.date(), time.hour(), time.minute())
}

/// An update without what says who it is.
fn shortened(item: &Value) -> String {
    let none = Map::new();
    let object = |field: &str| item[field].as_object().unwrap_or(&none).clone();
    let short = |(name, value): (String, Value)| {
        let value = value.as_str().map_or(value.clone(), |text| short(&name, text).into());
        (name, value)
    };
    let who: Map<_, _> = object("identifiers").into_iter().map(short).collect();
    let attributes: Map<_, _> = object("attributes").into_iter().map(short).collect();
    format!("{} {}", Value::Object(who), Value::Object(attributes))
}

fn short(name: &str, text: &str) -> String {
    let start = |length: usize| text.chars().take(length).collect::<String>();
    if let Some((_, host)) = text.rsplit_once('@') {
        format!("{}…@{host}", start(1))
    } else if name == "name" {
        format!("{}…", start(1))
    } else if ["id", "dodo_customer_id", "subscription_id"].contains(&name) {
        format!("{}…", start(6))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_example_does_not_say_who_it_is() {
        let item = json!({
            "identifiers": {"id": "cus_Ab12Cd34"},
            "attributes": {
                "email": "ada.lovelace@example.com", "name": "Ada Lovelace", "total_spent": "29.00",
                "dodo_customer_id": "cus_Ab12Cd34", "payments_count": 2, "next_billing": "",
            },
        });
        let text = shortened(&item);
        for secret in ["lovelace", "Lovelace", "Cd34"] {
            assert!(!text.contains(secret), "{text}");
        }
        for shown in ["a…@example.com", "\"A…\"", "29.00", "cus_Ab…"] {
            assert!(text.contains(shown), "{shown} in {text}");
        }
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(
            (count(1, "item", "items"), count(0, "item", "items")),
            ("1 item".into(), "0 items".into())
        );
        assert_eq!(date(1_793_448_060), "2026-10-31 12:01 UTC");
    }
}

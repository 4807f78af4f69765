//! A webhook as somebody opens it: its record, and the mails of campaigns that its event would start.

use super::{Page, Reply, batches};
use recipes::{StartedMail, started_mails, to_text};
use serde_json::{Value, json};

impl Page {
    pub(super) fn webhook(&self, number: &str) -> Reply {
        let mut record = batches::own_part(self.record(number)?);
        record["mails"] = self.mails(&record).into();
        Ok(record)
    }

    /// Of what Customer.io applied, and had not seen before.
    fn mails(&self, record: &Value) -> Vec<Value> {
        let applied = batches::all_requests(record).filter(|it| batches::is_applied(it)).map(news);
        let Some(items) =
            applied.filter(|items| items.iter().any(|it| it["action"] == "event")).last()
        else {
            return Vec::new();
        };
        let identifiers = items.iter().find_map(|item| item.get("identifiers"));
        let known = identifiers.map(|it| self.attributes_of(it)).unwrap_or_default();
        let mails = started_mails(&items, &known).unwrap_or_default();
        mails.iter().map(shown).collect()
    }
}

/// The items of a request that Customer.io did not refuse, without the events that it counted before.
fn news(request: &Value) -> Vec<Value> {
    let refused = batches::refused(request);
    let repeated = request["changes"]["repeated"].as_array().cloned().unwrap_or_default();
    let items = request["body"]["batch"].as_array().into_iter().flatten();
    let new = (0_u64..).zip(items).filter(|(index, item)| {
        let is_repeated = item["id"].is_string() && repeated.contains(&item["id"]);
        !refused.contains(index) && !is_repeated
    });
    new.map(|(_, item)| item.clone()).collect()
}

fn shown(mail: &StartedMail) -> Value {
    let mut shown = json!({
        "recipe": mail.recipe, "page": mail.file, "mail": mail.mail, "when": mail.when, "notes": mail.notes,
        "subject": null, "text": null, "html": null, "error": null,
    });
    match &mail.rendered {
        Ok(rendered) => {
            shown["subject"] = rendered.subject.as_str().into();
            shown["text"] = to_text(&rendered.body).into();
            shown["html"] = rendered.body.as_str().into();
        }
        Err(error) => shown["error"] = error.as_str().into(),
    }
    shown
}

//! A webhook as somebody opens it: its record, and the mails of campaigns that its event would start.

use super::{Page, Reply};
use recipes::{StartedMail, started_mails, to_text};
use serde_json::{Value, json};

impl Page {
    pub(super) fn webhook(&self, number: &str) -> Reply {
        let mut record = self.record(number)?;
        record["mails"] = self.mails(&record).into();
        Ok(record)
    }

    /// Of the items that were sent last.
    fn mails(&self, record: &Value) -> Vec<Value> {
        // In queue mode others' items are in the same requests.
        let sent = &record["requests"];
        let is_sent = sent.as_array().is_some_and(|requests| !requests.is_empty());
        let requests = if is_sent { sent } else { &record["transform"]["requests"] };
        let requests = requests.as_array().into_iter().flatten();
        let mut batches = requests.filter_map(|request| request["body"]["batch"].as_array());
        let Some(items) = batches.next_back() else { return Vec::new() };
        let identifiers = items.iter().find_map(|item| item.get("identifiers"));
        let known = identifiers.map(|it| self.attributes_of(it)).unwrap_or_default();
        let mails = started_mails(items, &known).unwrap_or_default();
        mails.iter().map(shown).collect()
    }
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

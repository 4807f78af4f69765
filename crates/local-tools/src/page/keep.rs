//! Keeps a webhook's event as a sample, with what it becomes as a test of the transform.

use super::anonymous::anonymous;
use super::{Page, Reply};
use crate::kept::{self, Basis};
use crate::transform_path::from_project;
use serde_json::{Value, json};
use stand_ins::dodo::Sample;

impl Page {
    /// What would be written, and writes it if asked to.
    pub(super) async fn keep(&self, number: &str, request: &Value) -> Reply {
        let record = self.record(number)?;
        let name = request["name"].as_str().unwrap_or_default().trim().to_owned();
        kept::check_name(&name).map_err(|why| (400, why))?;
        let body = record["body"].as_str().unwrap_or_default();
        let original: Value = serde_json::from_str(body).unwrap_or_default();
        let (event, replaced) = match request.get("event").filter(|event| event.is_object()) {
            Some(edited) => (edited.clone(), Vec::new()),
            None => anonymous(&original),
        };
        Sample::parse(&name, &event.to_string())
            .map_err(|problem| (422, format!("This webhook {problem}")))?;
        let expected = self.expected(event.clone()).await?;
        let exists = kept::exists(&name);
        if request["write"] == true {
            if exists && request["overwrite"] != true {
                let file = kept::file(&name);
                return Err((
                    409,
                    format!("There is a file {file} already; choose another name, or replace it."),
                ));
            }
            kept::write(&name, &event, &expected).map_err(|why| (500, why))?;
        }
        Ok(json!({
            "name": name,
            "event": event,
            "replaced": replaced,
            "expected": expected,
            "file": kept::file(&name),
            "exists": exists,
            "command": format!("make send EVENT={name}"),
            "check": format!("make check{}", self.basis().options()),
            "without_lookups": self.setup().has_key,
        }))
    }

    fn basis(&self) -> Basis {
        let setup = self.setup();
        let transform = setup.board.running().transform.as_deref().map(from_project);
        Basis { transform, settings: setup.settings_file.clone() }
    }

    /// What the event becomes with the transform that runs.
    async fn expected(&self, event: Value) -> Reply {
        let board = self.setup().board.clone();
        let basis = self.basis();
        let work = move || {
            let transform = board.explainer().map_err(|why| (422, why))?;
            kept::expected(&transform, &basis, &event).map_err(|why| (422, why))
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| (500, error.to_string()))?
    }
}

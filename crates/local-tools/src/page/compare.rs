//! The same event through two transforms: the built-in one, files, and earlier versions of a file.

use super::board::{Board, load};
use super::{Page, Reply};
use crate::difference;
use crate::explained::explain;
use crate::transform_path::{self, from_project};
use dodo_customerio::dodo::Enrichment;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One of the transforms that can be compared.
struct Choice {
    id: String,
    name: String,
    /// `None` is the built-in one.
    path: Option<PathBuf>,
    /// When that version was taken.
    at: Option<u64>,
}

impl Page {
    pub(super) fn transforms(&self) -> Value {
        let choices = choices(&self.setup().board);
        let choices = choices.iter().map(|it| json!({"id": it.id, "name": it.name, "at": it.at}));
        json!({
            "current": self.setup().board.running().transform.as_deref().map(from_project),
            "choices": choices.collect::<Vec<_>>(),
        })
    }

    /// What two transforms make of one event, and where that differs.
    pub(super) async fn compare(&self, request: &Value) -> Reply {
        let (id, body) = match request["webhook"].as_u64() {
            Some(number) => {
                let record = self.record(&number.to_string())?;
                let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
                (text("webhook_id"), text("body"))
            }
            None => ("msg_compared".to_owned(), request["event"].to_string()),
        };
        let choices = choices(&self.setup().board);
        let find = |side: &str| {
            let wanted = request[side].as_str().unwrap_or_default();
            let found = choices.iter().find(|choice| choice.id == wanted);
            let found = found.map(|choice| choice.path.clone());
            found.ok_or_else(|| {
                (404, format!("There is no transform {wanted}; GET /api/transforms lists them."))
            })
        };
        let (left, right) = (find("left")?, find("right")?);
        let board = self.setup().board.clone();
        let (found, has_key) = (self.found(&body), self.setup().has_key);
        let work = move || {
            let side =
                |path: Option<PathBuf>| side(&board, path.as_deref(), &id, &body, found.as_ref());
            let (left, right) = (side(left)?, side(right)?);
            let difference = difference::lines(&sent(&left), &sent(&right));
            Ok(
                json!({"left": left, "right": right, "difference": difference, "without_lists": has_key}),
            )
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| (500, error.to_string()))?
    }
}

/// The built-in one, the merchant's as it is now, its versions so far, and all files in `transforms/`.
fn choices(board: &Board) -> Vec<Choice> {
    let running = board.running();
    let mut choices =
        vec![Choice { id: "built_in".into(), name: "built in".into(), path: None, at: None }];
    if let Some(path) = &running.transform {
        let name = from_project(path);
        choices.push(Choice {
            id: "current".into(),
            name: format!("{name}, as it is now"),
            path: Some(path.clone()),
            at: None,
        });
        choices.extend((1..).zip(&running.versions).map(|(number, version): (u32, _)| Choice {
            id: format!("version:{number}"),
            name: format!("{name}, version {number}"),
            path: Some(version.path.clone()),
            at: Some(version.at),
        }));
    }
    choices.extend(transform_path::scripts().into_iter().filter_map(|script| {
        let path = transform_path::resolve(&script).ok()?;
        let name = format!("transforms/{script}");
        Some(Choice { id: format!("file:{script}"), name, path, at: None })
    }));
    choices
}

/// What one transform makes of it; an error is that the event is none.
fn side(
    board: &Board,
    path: Option<&Path>,
    id: &str,
    body: &str,
    found: Option<&Enrichment>,
) -> Reply {
    let settings = board.running().settings.clone();
    match load(path, &settings) {
        Ok(transform) => {
            explain(&transform, id, body, found).map(|it| it.to_json()).map_err(|why| (422, why))
        }
        Err(why) => Ok(json!({
            "outcome": "failed", "reason": "unusable", "message": why, "requests": [], "files": [], "rules": [],
        })),
    }
}

/// One request is compared by its body.
fn sent(side: &Value) -> Value {
    match side["requests"].as_array().map(Vec::as_slice) {
        Some([one]) if one["path"] == "/api/v2/batch" => one["body"].clone(),
        Some([]) | None => json!({"outcome": side["outcome"], "reason": side["reason"]}),
        _ => side["requests"].clone(),
    }
}

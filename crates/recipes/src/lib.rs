//! The campaigns of `docs/campaigns`, as a program reads them: a page says which event starts a campaign,
//! which filters, delays and exits it has, and what its mails say in Liquid.
//!
//! - `vocabulary`: the events and attributes that exist, from the tables of `docs/events.md`
//! - `page`: a page's sections, lines and code blocks
//! - `recipe`: the campaigns and mails on a page; `reading` makes them of its lines
//! - `condition`: filters
//! - `check`: names that do not exist, with their line
//! - `liquid`: the engine, strict about unknown variables, filters and tags
//! - `journey`: who gets which mail when, over a sequence of items
//! - `preview`: a mail as text
//!
//! It knows nothing of the function: it reads what the function sends.

mod check;
mod condition;
mod fault;
mod journey;
mod liquid;
mod page;
mod preview;
mod reading;
mod recipe;
mod vocabulary;

pub use check::check;
pub use condition::{Condition, Operator};
pub use fault::Fault;
pub use journey::{Arrived, SentMail, run};
pub use liquid::{Rendered, render};
pub use preview::{StartedMail, preview, started_mails, to_text};
pub use reading::{recipe, recipes};
pub use recipe::{Campaign, Exit, Frequency, Located, Mail, Recipe, Step, Trigger};
pub use vocabulary::Vocabulary;

use std::path::PathBuf;

/// A path in the repository.
pub(crate) fn project_file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

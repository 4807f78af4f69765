//! The page of `make dev`: what became of each webhook, step by step, and what Customer.io then knows.
//!
//! - `guard`: which requests it takes; `routes`: who responds to them; `assets`: its files
//! - `watching`: makes a record of each webhook and keeps it; `record`, `person`, `advice`, `lookups` and `changes`
//!   say what is in one, `batches` and `own` what the queue function made of it, `mails` what campaigns would
//! - `history`: the records; `people`: what Customer.io knows
//! - `send`, `faults`, `keep` (`anonymous`), `compare`: what somebody can do
//! - `board`: what the function runs with

mod advice;
mod anonymous;
mod assets;
mod batches;
mod board;
mod changes;
mod compare;
mod faults;
mod guard;
mod history;
mod keep;
mod lookups;
mod mails;
mod own;
mod people;
mod person;
mod query;
mod record;
mod routes;
mod send;
mod state;
mod watching;

pub use board::Board;

use crate::delivery::Delivery;
use crate::services::Services;
use faults::Faults;
use history::History;
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};
use stand_ins::front::Front;
use stand_ins::journal::{Invocation, Journal};
use stand_ins::project::project_file;
use stand_ins::serve::{self, ResponseBody, Server, Service, ServiceResult};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::mpsc::UnboundedReceiver;

/// What the page shows, and what it acts upon.
pub struct Setup {
    /// Around the function.
    pub services: Arc<Services>,
    /// Leads to the function.
    pub front: Front,
    /// What the function does.
    pub journal: Journal,
    /// What the function runs with.
    pub board: Board,
    /// Of the function URL.
    pub port: u16,
    /// Whether nobody chose the port, so that there can be no history.
    pub is_fresh: bool,
    /// Another file than `settings.env`, from the project's folder.
    pub settings_file: Option<String>,
    /// Whether the function has a key for Dodo's API.
    pub has_key: bool,
    /// Whether webhooks wait in a queue.
    pub delivery: Delivery,
}

/// The page. Clones share everything.
#[derive(Clone)]
pub struct Page(Arc<Shared>);

struct Shared {
    setup: Setup,
    /// Its own, once it is known.
    port: OnceLock<u16>,
    history: Mutex<History>,
    faults: Mutex<Faults>,
    remembered: Mutex<lookups::Remembered>,
    /// Webhooks of the page's own that are on their way, by their ids: which they repeat.
    sent: Mutex<HashMap<String, Option<u64>>>,
}

/// What a request to the API comes to: JSON, or a status and a sentence.
type Reply = Result<Value, (u16, String)>;

impl Page {
    /// Serves it on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn serve(
        port: u16,
        setup: Setup,
        invocations: UnboundedReceiver<Invocation>,
    ) -> io::Result<Server> {
        let path = project_file(format!("target/local/history-{}.jsonl", setup.port));
        if setup.is_fresh {
            drop(std::fs::remove_file(&path));
        }
        let faults = Mutex::new(Faults::new(&setup.services));
        let history = Mutex::new(History::open(path));
        let shared = Shared {
            setup,
            port: OnceLock::new(),
            history,
            faults,
            remembered: Mutex::default(),
            sent: Mutex::default(),
        };
        let page = Self(Arc::new(shared));
        let server = serve::serve(port, page.clone()).await?;
        page.0.port.get_or_init(|| server.address.port());
        page.restore();
        tokio::spawn(page.watch(invocations));
        Ok(server)
    }

    fn setup(&self) -> &Setup {
        &self.0.setup
    }

    fn history(&self) -> MutexGuard<'_, History> {
        locked(&self.0.history)
    }
}

impl Service for Page {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        let port = self.0.port.get().copied().unwrap_or_default();
        let response = match guard::check(&request, port) {
            Ok(()) => self.route(&request).await,
            Err((status, why)) => error(status, why),
        };
        Ok(guard::protect(response))
    }
}

fn error(status: u16, why: &str) -> Response<ResponseBody> {
    serve::json(status, &json!({ "error": why }))
}

/// A lock is only poisoned by a panic elsewhere.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

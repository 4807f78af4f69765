//! What the function runs with at the moment, shared between `make dev`, which follows the files, and the page.

use crate::settings::Local;
use crate::webhook;
use dodo_customerio::transform::Transform;
use stand_ins::dodo::unix_milliseconds;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Clones share everything.
#[derive(Clone)]
pub struct Board(Arc<Inner>);

struct Inner {
    running: Mutex<Running>,
    restart: Notify,
    /// Counts what a page should draw again.
    revision: watch::Sender<u64>,
}

/// What runs.
#[derive(Default)]
pub struct Running {
    /// The merchant's file or folder; `None` is the built-in transform.
    pub transform: Option<PathBuf>,
    /// Its settings.
    pub settings: Local,
    /// Since when, in Unix milliseconds.
    pub since: u64,
    /// Why a change could not be taken.
    pub problem: Option<String>,
    /// Copies of the transform, oldest first; the last one runs.
    pub versions: Vec<Version>,
    /// The same transform here, for explanations.
    explainer: Option<Arc<Transform>>,
}

/// One version of the transform.
#[derive(Debug, Clone)]
pub struct Version {
    /// A copy, which stays as it is.
    pub path: PathBuf,
    /// When it was taken, in Unix milliseconds.
    pub at: u64,
}

impl Board {
    /// Nothing runs yet.
    pub fn new() -> Self {
        let running = Mutex::default();
        Self(Arc::new(Inner { running, restart: Notify::new(), revision: watch::Sender::new(1) }))
    }

    /// The function runs with these from now on; `copy` is the version of the transform.
    pub fn runs(&self, transform: Option<&Path>, copy: Option<PathBuf>, settings: &Local) {
        let mut running = self.running();
        running.transform = transform.map(Path::to_owned);
        running.settings = settings.clone();
        running.since = unix_milliseconds();
        running.problem = None;
        running.explainer = None;
        let is_new = |copy: &PathBuf| running.versions.last().is_none_or(|it| it.path != *copy);
        if let Some(path) = copy.filter(is_new) {
            let at = running.since;
            running.versions.push(Version { path, at });
        }
        drop(running);
        self.changed();
    }

    /// A change cannot be used.
    pub fn problem(&self, problem: &str) {
        self.running().problem = Some(problem.to_owned());
        self.changed();
    }

    /// What runs now.
    pub fn running(&self) -> MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transform that runs, for explanations.
    ///
    /// # Errors
    /// If it can no longer be read.
    pub fn explainer(&self) -> Result<Arc<Transform>, String> {
        let mut running = self.running();
        if let Some(known) = &running.explainer {
            return Ok(known.clone());
        }
        let path = running.versions.last().map(|version| version.path.clone());
        let path = path.filter(|_| running.transform.is_some());
        let transform = Arc::new(load(path.as_deref(), &running.settings)?);
        running.explainer = Some(transform.clone());
        Ok(transform)
    }

    /// Asks for a new process, as Lambda starts a new environment.
    pub fn restart(&self) {
        self.0.restart.notify_one();
    }

    /// Waits until a new process is asked for.
    pub async fn restart_asked(&self) {
        self.0.restart.notified().await;
    }

    /// There is something new to see.
    pub fn changed(&self) {
        self.0.revision.send_modify(|revision| *revision += 1);
    }

    /// The number of changes so far, to read and to wait for.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }
}

/// A transform that keeps notes of each run.
///
/// # Errors
/// What is wrong with the file or the settings, in the function's own words.
pub fn load(path: Option<&Path>, settings: &Local) -> Result<Transform, String> {
    let mut transform = webhook::transform_without_warnings(path, settings)?;
    if let Transform::JavaScript(handlers) = &mut transform {
        handlers.keep_notes();
    }
    Ok(transform)
}

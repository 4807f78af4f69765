//! The stages of a run, one after the other.

mod report;

use crate::folder::Folder;
use crate::people::{Index, LeftOut, Maker};
use crate::plan::Plan;
use crate::reading::{self, Charges, Dodo, Roots, fingerprint};
use crate::sending::{self, Log};
use crate::{Error, Options, Reply, Terminal};
use dodo_customerio::customerio::Credentials;
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a run has done, all sessions of it together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Objects that were read, by list.
    pub read: BTreeMap<String, u64>,
    /// People who were sent, or would be.
    pub people: u64,
    /// Subscriptions that were sent as objects, or would be.
    pub objects: u64,
    /// Events that were sent, or would be.
    pub events: u64,
    /// Requests.
    pub requests: u64,
    /// Items that Customer.io refused.
    pub refused: u64,
    /// The file that lists them.
    pub refused_file: Option<PathBuf>,
    /// Whether anything was to be sent: not for a dry run, nor after a "no".
    pub sent: bool,
}

/// Reads Dodo's lists, says what will be sent, asks, and sends it.
///
/// # Errors
/// Why it stopped. What was read and accepted is kept, and the next run goes on from there.
pub async fn run(options: &Options, terminal: &mut dyn Terminal) -> Result<Summary, Error> {
    let ended = stages(options, terminal).await;
    terminal.end();
    ended
}

async fn stages(options: &Options, terminal: &mut dyn Terminal) -> Result<Summary, Error> {
    let folder = Folder::open(&options.folder)?;
    let roots = Roots::open(&folder, options)?;
    options.notes.iter().for_each(|note| terminal.say(note));
    if let Some(pair) = options.credentials.as_ref().filter(|_| !options.dry_run) {
        sending::check_pair(options, pair).await?;
    }
    let plan = plan(&folder, &roots, options, terminal).await?;
    terminal.say(&report::plan(&plan, options, &folder));
    let Some(pair) = options.credentials.as_ref().filter(|_| !options.dry_run) else {
        return Ok(summary(&plan));
    };
    if !may_send(options, terminal)? {
        terminal.say(&report::not_sent(&folder));
        return Ok(summary(&plan));
    }
    let mut log = Log::open(&folder, workspace(options, pair))?;
    sending::send(&folder, &plan, options, pair, &mut log, terminal).await?;
    let refused_file = log.keep_refused(&folder, options.now())?;
    let summary = Summary { refused: log.refused(), refused_file, sent: true, ..summary(&plan) };
    folder.finish()?;
    terminal.say(&report::done(&summary));
    Ok(summary)
}

fn may_send(options: &Options, terminal: &mut dyn Terminal) -> Result<bool, Error> {
    if options.yes {
        return Ok(true);
    }
    match terminal.ask(report::QUESTION) {
        Reply::Yes => Ok(true),
        Reply::No => Ok(false),
        Reply::Nobody => Err(Error::NobodyToAsk),
    }
}

/// The plan of an earlier run, or a new one from the lists.
async fn plan(
    folder: &Folder,
    roots: &Roots,
    options: &Options,
    terminal: &mut dyn Terminal,
) -> Result<Plan, Error> {
    if let Some(plan) = Plan::kept(folder, options, reading::oldest(options))? {
        return Ok(plan);
    }
    Log::forget(folder)?;
    roots.keep(folder)?;
    let dodo = Dodo::new(options);
    let pages = reading::read(&dodo, folder, roots, options, terminal).await?;
    let index = Index::of(&pages, &options.transform.identifier)?;
    let mut maker = Maker {
        index: &index,
        options,
        dodo: &dodo,
        charges: Charges::open(folder)?,
        read_at: pages.read_at,
        left_out: LeftOut { ownerless: index.ownerless, ..LeftOut::default() },
        found: BTreeSet::new(),
    };
    Plan::make(folder, options, &pages, &mut maker, terminal).await
}

/// Stands for the workspace that gets the people, without naming it.
fn workspace(options: &Options, pair: &Credentials) -> String {
    fingerprint([options.track_url.as_str(), pair.site_id.expose_secret()])
}

fn summary(plan: &Plan) -> Summary {
    Summary {
        read: plan.read.clone(),
        people: plan.people,
        objects: plan.objects,
        events: plan.events,
        requests: plan.requests,
        ..Summary::default()
    }
}

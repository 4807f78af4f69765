//! A run that is killed at any moment, and started again, ends as if it had not been.

use fastrand::Rng;
use serde_json::Value;
use stand_ins::customerio::CustomerIo;
use stand_ins::dodo::{random_hex, unix_now};
use stand_ins::dodo_api::{Archive, Beyond, DodoApi, PageCap};
use stand_ins::fault::Fault;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const CUSTOMERS: u64 = 150;
const PAYMENTS: u64 = 450;
const DAY: i64 = 86_400;

/// After so many of its requests a process is killed, at most.
const MOST_REQUESTS: usize = 20;

/// More often than that the run does not get on.
const MOST_KILLS: usize = 500;

/// The running process, and after how many more of its requests it is killed.
#[derive(Default)]
struct Victim {
    process: Option<Child>,
    left: usize,
}

impl Victim {
    /// Counts a request; whether it was the last.
    fn counts(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        let is_last = self.left == 0;
        if let Some(process) = self.process.as_mut().filter(|_| is_last) {
            process.kill().unwrap();
        }
        is_last
    }
}

/// The services, and the folder of one run.
struct Scene {
    dodo_api: DodoApi,
    customerio: CustomerIo,
    folder: PathBuf,
    victim: Arc<Mutex<Victim>>,
}

impl Scene {
    async fn new(archive: &Archive) -> Self {
        let dodo_api = DodoApi::start("key").await.unwrap();
        let customerio = CustomerIo::start(0, "site", "key").await.unwrap();
        dodo_api.state().archive = Some(archive.clone());
        let cap = PageCap { last: 1, beyond: Beyond::Refused };
        dodo_api.state().page_caps.insert("payments", cap);
        let folder = std::env::temp_dir().join(format!("backfill-killed-{}", random_hex()));
        Self { dodo_api, customerio, folder, victim: Arc::default() }
    }

    /// From now on requests are counted. Some that reach Customer.io last are still processed, some not.
    fn count_requests(&self) {
        let victim = self.victim.clone();
        let kill = move || victim.lock().unwrap().counts().then_some(Fault::BreakBefore);
        self.dodo_api.state().faults.plan = Some(Box::new(kill));
        let (victim, mut number) = (self.victim.clone(), 0);
        self.customerio.state().faults.plan = Some(Box::new(move || {
            number += 1;
            let is_last = victim.lock().unwrap().counts();
            is_last.then_some(Fault::BreakBefore).filter(|_| number % 2 == 0)
        }));
    }

    /// Runs the backfill until it ends or is killed after so many requests.
    async fn run(&self, requests: usize, until: i64) -> ExitStatus {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backfill"));
        command.args(["--yes", "--rate=0", "--calls-a-minute=0", "--events", "--folder"]);
        command.arg(&self.folder).arg(format!("--until={until}"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("DODO_API_KEY", "key").env("DODO_API_URL", self.dodo_api.url());
        command.env("CUSTOMERIO_SITE_ID", "site").env("CUSTOMERIO_API_KEY", "key");
        command.env("CUSTOMERIO_TRACK_URL", self.customerio.url());
        {
            let mut victim = self.victim.lock().unwrap();
            *victim = Victim { process: Some(command.spawn().unwrap()), left: requests };
        }
        loop {
            let ended = self.victim.lock().unwrap().process.as_mut().unwrap().try_wait().unwrap();
            if let Some(status) = ended {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn known(&self) -> Known {
        let state = self.customerio.state();
        let profiles = state.people.profiles().iter();
        let people = profiles.clone().map(|it| (it.id.clone().unwrap(), it.attributes.clone()));
        let events = profiles.flat_map(|person| {
            let id = person.id.clone().unwrap();
            person.activity.iter().map(move |it| format!("{id} {} {:?}", it.name, it.timestamp))
        });
        let mut events: Vec<_> = events.collect();
        events.sort_unstable();
        Known { people: people.collect(), events }
    }

    /// What is in the folder.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// What was read is for its owner alone.
    fn assert_private(&self) {
        let mode = |path: &Path| fs::metadata(path).map(|it| it.permissions().mode() & 0o777).ok();
        assert!(mode(&self.folder).is_none_or(|mode| mode == 0o700), "{:?}", mode(&self.folder));
        for file in self.files() {
            assert_eq!(mode(&file), Some(0o600), "{}", file.display());
        }
    }

    /// Cuts the end off what was written last, as if the machine had stopped too.
    fn tear(&self, rng: &mut Rng) {
        let written = |path: &PathBuf| fs::metadata(path).and_then(|it| it.modified());
        let time = |path: &PathBuf| written(path).unwrap_or(SystemTime::UNIX_EPOCH);
        let Some(newest) = self.files().into_iter().max_by_key(time) else { return };
        let file = fs::OpenOptions::new().write(true).open(newest).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(rng.u64(1..60))).unwrap();
    }
}

/// What Customer.io knows in the end.
#[derive(Debug, PartialEq)]
struct Known {
    people: BTreeMap<String, BTreeMap<String, Value>>,
    /// Person, name and time of each.
    events: Vec<String>,
}

fn archive() -> Archive {
    let end = unix_now() - 2 * DAY;
    Archive::new(CUSTOMERS, PAYMENTS, end - 300 * DAY..end)
}

async fn undisturbed(archive: &Archive, until: i64) -> Known {
    let scene = Scene::new(archive).await;
    assert_eq!(scene.run(usize::MAX, until).await.code(), Some(0));
    assert!(!scene.folder.exists(), "removed after success");
    let known = scene.known();
    let different: BTreeSet<_> = known.events.iter().collect();
    assert!(known.people.len() > 100 && different.len() > 400, "{known:?}");
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_ends_as_if_it_had_not_been() {
    let (archive, until) = (archive(), unix_now() - 5 * DAY);
    let expected = undisturbed(&archive, until).await;
    let mut all_kills = 0;
    for (seed, tears) in [(1, false), (2, true), (3, false), (4, true)] {
        let mut rng = Rng::with_seed(seed);
        let scene = Scene::new(&archive).await;
        scene.count_requests();
        let mut kills = 0;
        loop {
            let status = scene.run(rng.usize(1..=MOST_REQUESTS), until).await;
            if status.signal().is_none() {
                assert_eq!(status.code(), Some(0), "seed {seed}, after {kills} kills");
                break;
            }
            kills += 1;
            assert!(kills < MOST_KILLS, "seed {seed} does not get on");
            scene.assert_private();
            if tears && rng.bool() {
                scene.tear(&mut rng);
            }
        }
        all_kills += kills;
        assert!(!scene.folder.exists(), "removed after success");
        assert_eq!(scene.known(), expected, "seed {seed}, after {kills} kills");
    }
    assert!(all_kills > 10, "{all_kills} kills");
}

//! The services around the function fail at a click, so that all that the troubleshooting page describes can be
//! seen happening.

mod rotation;
mod table;

use super::{Page, Reply, locked};
use crate::services::Services;
use rotation::{Rotation, Rotations};
use serde_json::{Value, json};
use stand_ins::fault::Faults as Queue;
use table::{Entry, FAULTS, Place};

/// As many requests fail at most before a service is well again by itself.
const MOST_TIMES: u64 = 1_000;

/// What is switched on.
pub struct Faults {
    rotations: Rotations,
    /// At most one for each service; `None` is until it is cleared.
    active: Vec<(&'static Entry, Option<u64>)>,
}

impl Faults {
    pub fn new(services: &Services) -> Self {
        Self { rotations: Rotations::new(services), active: Vec::new() }
    }

    /// What the page signs with.
    pub fn webhook_secret(&self) -> &str {
        self.rotations.webhook_secret()
    }

    /// The short name of what is switched on for each service, or null.
    pub fn switches(&mut self, services: &Services) -> Value {
        self.tidy(services);
        let mut switches = json!({"customerio": null, "dodo_api": null, "secrets_manager": null});
        for (entry, _) in &self.active {
            switches[entry.place.name()] = entry.id.rsplit('.').next().into();
        }
        switches["rotation"] = self.rotations.active().map(Rotation::short_name).into();
        switches
    }

    /// What there is, and what is switched on.
    fn list(&mut self, services: &Services) -> Value {
        self.tidy(services);
        let entries = FAULTS.iter().map(Entry::to_json);
        let all: Vec<Value> = entries.chain(Rotation::ALL.iter().map(|it| it.to_json())).collect();
        let active = self.active.iter().map(|(entry, times)| {
            let left = times.map(|_| queue(services, entry.place, |queue| queue.queue.len()));
            json!({"id": entry.id, "times": left})
        });
        let rotation = self.rotations.active().map(|it| json!({"id": it.id(), "times": null}));
        json!({"faults": all, "active": active.chain(rotation).collect::<Vec<_>>()})
    }

    /// What has failed often enough is over.
    fn tidy(&mut self, services: &Services) {
        self.active.retain(|(entry, times)| {
            times.is_none() || queue(services, entry.place, |queue| !queue.queue.is_empty())
        });
    }

    /// From now on, or for the next requests, in place of what this service did before.
    fn switch_on(&mut self, services: &Services, entry: &'static Entry, times: Option<u64>) {
        self.switch_off(services, entry.place);
        let make = entry.make;
        queue(services, entry.place, |queue| match times {
            Some(times) => queue.queue.extend((0..times).map(|_| make())),
            None => queue.plan = Some(Box::new(move || Some(make()))),
        });
        self.active.push((entry, times));
    }

    fn switch_off(&mut self, services: &Services, place: Place) {
        queue(services, place, |queue| *queue = Queue::default());
        self.active.retain(|(entry, _)| entry.place != place);
    }
}

/// What `work` makes of the faults of a service.
fn queue<T>(services: &Services, place: Place, work: impl FnOnce(&mut Queue) -> T) -> T {
    match place {
        Place::CustomerIo => work(&mut services.customerio.state().faults),
        Place::DodoApi => work(&mut services.dodo_api.state().faults),
        Place::SecretsManager => work(&mut services.secrets_manager.faults()),
    }
}

impl Page {
    pub(super) fn faults(&self) -> Value {
        locked(&self.0.faults).list(&self.setup().services)
    }

    /// Switches a fault on.
    pub(super) async fn fail(&self, request: &Value) -> Reply {
        let id = request["id"].as_str().unwrap_or_default();
        let services = &self.setup().services;
        if let Some(rotation) = Rotation::ALL.into_iter().find(|it| it.id() == id) {
            self.rotate(rotation).await?;
        } else if let Some(entry) = FAULTS.iter().find(|entry| entry.id == id) {
            let times = times(&request["times"])?;
            locked(&self.0.faults).switch_on(services, entry, times);
        } else {
            return Err((404, "There is no such fault; GET /api/faults lists them.".to_owned()));
        }
        self.setup().board.changed();
        Ok(self.faults())
    }

    /// All services are well again, and all credentials agree.
    pub(super) async fn clear_faults(&self) -> Reply {
        let services = &self.setup().services;
        for place in Place::ALL {
            locked(&self.0.faults).switch_off(services, place);
        }
        self.agree().await?;
        self.setup().board.changed();
        Ok(self.faults())
    }

    async fn rotate(&self, rotation: Rotation) -> Result<(), (u16, String)> {
        self.agree().await?;
        let services = &self.setup().services;
        let change = locked(&self.0.faults).rotations.begin(rotation, services);
        match change {
            Some(change) => services.change_secret(change).await.map_err(|error| (502, error)),
            None => Ok(()),
        }
    }

    /// Ends a rotation.
    async fn agree(&self) -> Result<(), (u16, String)> {
        let services = &self.setup().services;
        let change = locked(&self.0.faults).rotations.end(services);
        match change {
            Some(change) => services.change_secret(change).await.map_err(|error| (502, error)),
            None => Ok(()),
        }
    }
}

fn times(given: &Value) -> Result<Option<u64>, (u16, String)> {
    match given.as_u64() {
        Some(times @ 1..=MOST_TIMES) => Ok(Some(times)),
        None if given.is_null() => Ok(None),
        _ => Err((400, format!("\"times\" must be a number from 1 to {MOST_TIMES}, or null."))),
    }
}

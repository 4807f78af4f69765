//! The campaigns and mails on a page.

use super::Condition;
use std::collections::BTreeMap;

/// A page of `docs/campaigns`.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The file's name without `.md`.
    pub name: String,
    /// The file, relative to the repository.
    pub file: String,
    /// The sentence that says who gets what.
    pub promise: String,
    /// What is to be built in Customer.io.
    pub campaigns: Vec<Campaign>,
    /// Segments by their names: all conditions must hold.
    pub segments: BTreeMap<String, Vec<Located<Condition>>>,
    /// In the order of the page.
    pub mails: Vec<Mail>,
}

/// Something with its line on the page.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// What stands there.
    pub value: T,
    /// From 1.
    pub line: usize,
}

/// One campaign in Customer.io.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Empty if it is the page's only one.
    pub name: String,
    /// What starts it.
    pub trigger: Located<Trigger>,
    /// What the event must be like.
    pub event_filters: Vec<Located<Condition>>,
    /// Segments in which the person must be.
    pub segments: Vec<Located<String>>,
    /// How often one person may enter.
    pub frequency: Frequency,
    /// What happens, in order.
    pub steps: Vec<Located<Step>>,
    /// What ends it early.
    pub exit: Located<Exit>,
}

/// What starts a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// An event of this name.
    Event(String),
    /// So many days before the date in this attribute of the person.
    Date(String, u64),
}

/// How often one person may enter a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// Once.
    Once,
    /// At every event, also while an earlier journey lasts.
    EveryTime,
}

/// One block of the workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A mail by its name.
    Send(String),
    /// So many hours.
    Wait(u64),
    /// So many hours, unless this event ends the journey before.
    WaitUnless(String, u64),
    /// Until so many days before the date in this attribute of the event.
    WaitUntil(String, u64),
    /// An attribute of the person gets the value of this Liquid.
    Set(String, String),
}

/// What ends a journey early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// Nothing.
    Never,
    /// The person is not in the segments any more when a mail is due.
    FiltersFail,
}

/// One mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// What its campaign calls it.
    pub name: String,
    /// In Liquid.
    pub subject: Located<String>,
    /// HTML with Liquid.
    pub body: Located<String>,
}

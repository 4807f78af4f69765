//! Imports the people of yesterday: reads customers, subscriptions, payments, refunds and disputes from
//! Dodo's API and sends each person the attributes that webhooks would have set, by the function's own code.
//!
//! A run has three stages, each of which goes on where an earlier run stopped:
//!
//! - `reading` keeps the pages of Dodo's lists in files of the `folder`;
//! - `people` makes events of the objects in them, as webhooks would have brought them, and takes these
//!   through the built-in transform: what comes out is one update a person, packed into batches;
//! - `sending` sends the batches and keeps which of them Customer.io has accepted.
//!
//! [`run`] puts them together. What a person sees and is asked goes through a [`Terminal`].

mod arguments;
mod console;
mod error;
mod exclusion;
mod folder;
mod options;
mod pace;
mod patience;
mod people;
mod plan;
mod reading;
mod run;
mod sending;
mod terminal;

pub use arguments::Arguments;
pub use console::Console;
pub use error::Error;
pub use exclusion::Exclusion;
pub use options::Options;
pub use run::{Summary, run};
pub use terminal::{Quiet, Reply, Terminal};

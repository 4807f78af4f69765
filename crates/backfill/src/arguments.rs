//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Bring the people of yesterday to Customer.io.
///
/// Reads customers, subscriptions, payments, refunds and disputes from Dodo's API and sends each person the
/// attributes that webhooks would have set. Sends no events unless --events is given, so no campaign starts by
/// an event; campaigns that start by an attribute or a segment may start. A run that was stopped goes on where
/// it was.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "backfill", max_term_width = 100, after_long_help = ENVIRONMENT)]
pub struct Arguments {
    /// Say what would be sent and how long it takes, and send nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Send history too: Payment Completed, Subscription Started, Subscription Cancelled, Refund Succeeded.
    ///
    /// With the times at which they happened. Needs --events-until or --until; nothing of the 72 hours before
    /// the lists were read becomes an event, since Customer.io would mail people for it.
    #[arg(long)]
    pub events: bool,

    /// Only people with something from this time on, and only events from then on.
    ///
    /// A date (00:00 UTC), RFC 3339 or Unix seconds. Sums are of all times.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// The same before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,

    /// With --events, when webhooks began to arrive: events end there, and people are not filtered.
    #[arg(long, value_name = "TIME")]
    pub events_until: Option<String>,

    /// A file of people to leave out, an id or an address a line, such as those deleted at Customer.io.
    #[arg(long, value_name = "FILE")]
    pub exclude: Option<PathBuf>,

    /// Send without asking.
    #[arg(long)]
    pub yes: bool,

    /// Requests to Customer.io a second, at most; 0: no limit.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub rate: u32,

    /// Calls to Dodo's API a minute, at most; 0: no limit.
    ///
    /// Dodo allows some 100 for each key. 50 leaves room for a function that uses the same key.
    #[arg(long, value_name = "N", default_value_t = 90)]
    pub calls_a_minute: u32,

    /// Where a run keeps its files, which hold personal data; readable by you alone, removed after success.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

const ENVIRONMENT: &str = "\
Environment:
  DODO_API_KEY                             a key of Dodo's API; one that only reads is enough
  CUSTOMERIO_SITE_ID, CUSTOMERIO_API_KEY   the pair of the Track API; not needed for --dry-run
  BACKFILL_FOLDER                          as --folder

and the function's settings, which must be those of the function:
  CUSTOMERIO_REGION, CUSTOMERIO_TRACK_URL, DODO_ENVIRONMENT, DODO_API_URL, PERSON_IDENTIFIER, EVENTS,
  EVENT_NAMES, UNKNOWN_FIELDS, EXCLUDE_FIELDS, IDENTIFY_TIME, SUBSCRIPTION_OBJECT_TYPE

Exit codes: 0 done, 1 stopped (a sentence says why; type the same command again to go on), 2 wrong command
line, 3 done but Customer.io refused some items (a file lists them), 130 stopped by Ctrl-C.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}

//! What a request for a list asks for.

use super::list::parse_date;
use reqwest::Url;
use serde_json::Value;
use std::collections::HashMap;
use std::ops::Bound;
use time::OffsetDateTime;

/// Items per page, unless it is asked for others.
const PAGE_SIZE: usize = 10;

/// The largest that can be asked for.
const MAX_PAGE_SIZE: usize = 100;

/// Fields that a list can be filtered by.
const FILTERS: [&str; 3] = ["status", "dispute_status", "subscription_id"];

/// The decoded and checked query of a request.
pub(super) struct Query {
    values: HashMap<String, String>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) window: Window,
}

/// When objects were created; both ends count.
pub(super) struct Window {
    pub(super) from: Option<OffsetDateTime>,
    pub(super) to: Option<OffsetDateTime>,
}

impl Query {
    /// Reads a query, except its filters if those are to be ignored.
    ///
    /// # Errors
    /// The name of a parameter that is not valid.
    pub(super) fn read(path_and_query: &str, ignores_filters: bool) -> Result<Self, &'static str> {
        let url = Url::parse(&format!("http://localhost{path_and_query}"));
        let mut values: HashMap<String, String> =
            url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default();
        if ignores_filters {
            values.retain(|name, _| name.starts_with("page_"));
        }
        let date = |name| read(&values, name, parse_date);
        let number = |name| read(&values, name, |text| text.parse().ok());
        Ok(Self {
            page_number: number("page_number")?.unwrap_or_default(),
            page_size: match number("page_size")? {
                Some(size @ 1..=MAX_PAGE_SIZE) => size,
                Some(_) => return Err("page_size"),
                None => PAGE_SIZE,
            },
            window: Window { from: date("created_at_gte")?, to: date("created_at_lte")? },
            values,
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether it asks for anything but a window and a page.
    pub(super) fn has_filters(&self) -> bool {
        let is_general = |name: &&String| name.starts_with("page_") || name.starts_with("created_");
        self.values.keys().any(|name| !is_general(&name))
    }

    pub(super) fn passes(&self, item: &Value) -> bool {
        FILTERS.iter().all(|name| self.get(name).is_none_or(|wanted| item[*name] == *wanted))
    }
}

fn read<T>(
    values: &HashMap<String, String>,
    name: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, &'static str> {
    values.get(name).map(|text| parse(text).ok_or(name)).transpose()
}

impl Window {
    pub(super) fn holds(&self, created: Option<OffsetDateTime>) -> bool {
        self.from.is_none_or(|from| created >= Some(from))
            && self.to.is_none_or(|to| created <= Some(to))
    }

    /// The same for places in the order of time; `None` if nothing can be within it.
    pub(super) fn range(&self) -> Option<(Bound<Place>, Bound<Place>)> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return None;
        }
        let from = self.from.map(|from| (Some(from), 0));
        let to = self.to.map(|to| (Some(to), usize::MAX));
        let bound = |place: Option<Place>| place.map_or(Bound::Unbounded, Bound::Included);
        Some((bound(from), bound(to)))
    }
}

type Place = (Option<OffsetDateTime>, usize);

use super::super::{Outcome, Retry};
use crate::customerio::{ItemError, Request, Verdict};
use std::collections::BTreeMap;

/// What a response means for the events of a request.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct After {
    /// What became of events, by their positions.
    pub(super) settled: Vec<(usize, Outcome)>,
    /// Events that should be sent again, in requests of their own.
    pub(super) again: Vec<Vec<usize>>,
}

/// Reads a verdict event by event. Where it does not say which event it is about, the request is divided
/// until it does, if `may_divide` allows that.
pub(super) fn after(request: &Request, verdict: Verdict, may_divide: bool) -> After {
    let events = request.events();
    match verdict {
        Verdict::Accepted => all(&events, &Outcome::Delivered),
        Verdict::Later(later) => {
            let outcome = Outcome::Retry(Retry::CustomerIo(later));
            divided_or(events, may_divide, outcome)
        }
        Verdict::PartlyRejected(errors) => {
            let (named, unnamed) = by_event(request, errors);
            if unnamed.is_empty() {
                let others = without(&events, &named);
                all(&others, &Outcome::Delivered).and_rejected(named)
            } else {
                rejected(&events, named, unnamed, may_divide)
            }
        }
        Verdict::Rejected(errors) => {
            let (named, unnamed) = by_event(request, errors);
            rejected(&events, named, unnamed, may_divide)
        }
    }
}

type Reasons = BTreeMap<usize, Vec<ItemError>>;

/// Errors by the event that they are about, and those that do not say.
fn by_event(request: &Request, errors: Vec<ItemError>) -> (Reasons, Vec<ItemError>) {
    let (mut named, mut unnamed) = (Reasons::new(), Vec::new());
    for error in errors {
        match request.origin_of(&error) {
            Some(event) => named.entry(event).or_default().push(error),
            None => unnamed.push(error),
        }
    }
    (named, unnamed)
}

/// Nothing of the request counts as accepted: without the named events the others are sent again.
fn rejected(events: &[usize], named: Reasons, unnamed: Vec<ItemError>, may_divide: bool) -> After {
    let others = without(events, &named);
    let after = match others.as_slice() {
        [] => After::default(),
        [event] if named.is_empty() => {
            let settled = vec![(*event, Outcome::Rejected(unnamed))];
            After { settled, again: Vec::new() }
        }
        _ if named.is_empty() => divided_or(others, may_divide, Retry::RefusedTogether.into()),
        _ if may_divide => After { settled: Vec::new(), again: vec![others] },
        _ => all(&others, &Retry::RefusedTogether.into()),
    };
    after.and_rejected(named)
}

fn divided_or(events: Vec<usize>, may_divide: bool, outcome: Outcome) -> After {
    if !may_divide || events.len() < 2 {
        return all(&events, &outcome);
    }
    let (first, second) = events.split_at(events.len() / 2);
    After { settled: Vec::new(), again: vec![first.to_vec(), second.to_vec()] }
}

fn without(events: &[usize], named: &Reasons) -> Vec<usize> {
    events.iter().copied().filter(|event| !named.contains_key(event)).collect()
}

/// The same outcome for all.
pub(super) fn all(events: &[usize], outcome: &Outcome) -> After {
    let settled = events.iter().map(|event| (*event, outcome.clone())).collect();
    After { settled, again: Vec::new() }
}

impl After {
    fn and_rejected(mut self, named: Reasons) -> Self {
        let rejected = named.into_iter().map(|(event, errors)| (event, Outcome::Rejected(errors)));
        self.settled.extend(rejected);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customerio::{LaterReason, pack};
    use reqwest::header::HeaderMap;

    /// Events 4, 5, 6 and 7 with two items each.
    fn request() -> Request {
        request_of(4..8)
    }

    fn request_of(events: std::ops::Range<usize>) -> Request {
        let items = vec![b"1".to_vec(), b"2".to_vec()];
        let events = events.map(|event| (event, items.as_slice()));
        let [request] = pack(events, &HeaderMap::new()).try_into().unwrap();
        request
    }

    fn error(batch_index: Option<u64>) -> ItemError {
        let (field, message) = (String::new(), "is odd".to_owned());
        ItemError { batch_index, field, message, is_customer_ios: true }
    }

    fn read(verdict: Verdict) -> After {
        let mut after = after(&request(), verdict, true);
        after.settled.sort_by_key(|(event, _)| *event);
        after
    }

    fn rejected(indexes: &[Option<u64>]) -> Outcome {
        Outcome::Rejected(indexes.iter().copied().map(error).collect())
    }

    fn later() -> (Verdict, Outcome) {
        let later: crate::customerio::Later = LaterReason::Unavailable(500).into();
        (Verdict::Later(later.clone()), Outcome::Retry(Retry::CustomerIo(later)))
    }

    #[test]
    fn every_item_counts_where_it_came_from() {
        let expected = [4, 5, 6, 7].map(|event| (event, Outcome::Delivered));
        assert_eq!(read(Verdict::Accepted).settled, expected);

        let errors = [Some(2), Some(7), Some(3)];
        let after = read(Verdict::PartlyRejected(errors.map(error).to_vec()));
        let expected = [
            (4, Outcome::Delivered),
            (5, rejected(&[Some(2), Some(3)])),
            (6, Outcome::Delivered),
            (7, rejected(&[Some(7)])),
        ];
        assert_eq!(after, After { settled: expected.to_vec(), again: Vec::new() });
    }

    #[test]
    fn an_error_that_names_no_item_is_narrowed_down_to_its_event() {
        for verdict in [Verdict::PartlyRejected, Verdict::Rejected] {
            for index in [None, Some(8)] {
                let after = read(verdict(vec![error(index)]));
                assert_eq!(after, After { settled: vec![], again: vec![vec![4, 5], vec![6, 7]] });
            }
        }
        let items = vec![b"1".to_vec()];
        let single = pack([(9, items.as_slice())], &HeaderMap::new()).remove(0);
        let after = after(&single, Verdict::Rejected(vec![error(None)]), true);
        assert_eq!(after, After { settled: vec![(9, rejected(&[None]))], again: vec![] });
    }

    #[test]
    fn what_is_refused_as_a_whole_is_sent_again_without_the_culprits() {
        let after = read(Verdict::Rejected(vec![error(Some(0)), error(None)]));
        assert_eq!(after.settled, [(4, rejected(&[Some(0)]))]);
        assert_eq!(after.again, [[5, 6, 7]]);
    }

    #[test]
    fn nothing_is_sent_again_if_every_event_is_a_culprit() {
        let verdict = Verdict::Rejected(vec![error(Some(0)), error(Some(2))]);
        let mut after = after(&request_of(4..6), verdict, true);
        after.settled.sort_by_key(|(event, _)| *event);
        let settled = vec![(4, rejected(&[Some(0)])), (5, rejected(&[Some(2)]))];
        assert_eq!(after, After { settled, again: vec![] });
    }

    #[test]
    fn what_fails_for_now_is_divided_or_comes_again() {
        let (verdict, outcome) = later();
        assert_eq!(after(&request_of(4..6), verdict.clone(), true).again, [[4], [5]]);
        assert_eq!(read(verdict.clone()).again, [[4, 5], [6, 7]]);
        let expected = [4, 5, 6, 7].map(|event| (event, outcome.clone()));
        assert_eq!(after(&request(), verdict, false).settled, expected);
    }

    /// Neither lost nor given up.
    #[test]
    fn what_may_not_be_divided_any_more_comes_again() {
        let again = |event| (event, Outcome::Retry(Retry::RefusedTogether));
        let unnamed = after(&request(), Verdict::Rejected(vec![error(None)]), false);
        assert_eq!(unnamed, After { settled: [4, 5, 6, 7].map(again).to_vec(), again: vec![] });
        let named = after(&request(), Verdict::Rejected(vec![error(Some(0))]), false);
        assert_eq!(named.settled[..3], [5, 6, 7].map(again));
        assert_eq!(named.settled[3], (4, rejected(&[Some(0)])));
    }
}

use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a customer is believed to be unchanged.
pub(super) const TTL: Duration = Duration::from_mins(5);

/// Customers that are remembered: below 1 MB.
pub(super) const CAPACITY: usize = 500;

/// A customer, as the API gave it.
pub(super) type Profile = Arc<Map<String, Value>>;

/// The customers that were looked up within the last minutes, by their ids.
#[derive(Debug, Default)]
pub(super) struct Cache(HashMap<String, (Instant, Profile)>);

impl Cache {
    /// A customer that was looked up not too long before `now`.
    pub(super) fn get(&self, id: &str, now: Instant) -> Option<Profile> {
        let (since, customer) = self.0.get(id)?;
        (now.saturating_duration_since(*since) < TTL).then(|| customer.clone())
    }

    /// Remembers a customer; if there is no room, forgets the oldest.
    pub(super) fn put(&mut self, id: &str, customer: Profile, now: Instant) {
        if self.0.len() >= CAPACITY && !self.0.contains_key(id) {
            let oldest = self.0.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(id.to_owned(), (now, customer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_remembered_for_a_while() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        cache.put("cus_1", Profile::default(), now);
        assert!(cache.get("cus_1", now + TTL - Duration::from_secs(1)).is_some());
        assert!(cache.get("cus_1", now + TTL).is_none());
        assert!(cache.get("cus_2", now).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let (mut cache, start) = (Cache::default(), Instant::now());
        let at = |number: usize| start + Duration::from_millis(number.try_into().unwrap());
        for number in 0..=CAPACITY {
            cache.put(&format!("cus_{number}"), Profile::default(), at(number));
        }
        assert_eq!(cache.0.len(), CAPACITY);
        assert!(cache.get("cus_0", start).is_none());
        assert!(cache.get("cus_1", start).is_some());
        cache.put("cus_1", Profile::default(), at(CAPACITY + 1));
        assert_eq!(cache.0.len(), CAPACITY);
    }
}

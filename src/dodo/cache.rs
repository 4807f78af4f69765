use super::client::Object;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long customers, payments and subscriptions are assumed to be unchanged.
pub(super) const TTL: Duration = Duration::from_mins(5);

/// The same for products, whose names hardly ever change.
pub(super) const PRODUCT_TTL: Duration = Duration::from_hours(1);

/// Objects that are remembered: below 2 MB.
const CAPACITY: usize = 1_000;

/// The objects that were looked up lately, by their paths.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    expires: Instant,
    object: Arc<Object>,
}

impl Cache {
    /// An object that has not expired at `now`.
    pub(super) fn get(&self, path: &str, now: Instant) -> Option<Arc<Object>> {
        let entries = self.entries();
        let entry = entries.get(path).filter(|entry| now < entry.expires)?;
        Some(entry.object.clone())
    }

    /// Remembers an object for `ttl`; if there is no room, forgets the one that would expire first.
    pub(super) fn put(&self, path: String, object: Arc<Object>, now: Instant, ttl: Duration) {
        let mut entries = self.entries();
        if entries.len() >= CAPACITY && !entries.contains_key(&path) {
            let first = entries.iter().min_by_key(|(_, entry)| entry.expires);
            if let Some(first) = first.map(|(path, _)| path.clone()) {
                entries.remove(&first);
            }
        }
        entries.insert(path, Entry { expires: now + ttl, object });
    }

    /// Whole even if a panic elsewhere has poisoned it.
    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_remembered_for_a_while() {
        let (cache, now) = (Cache::default(), Instant::now());
        cache.put("customers/cus_1".into(), Arc::default(), now, TTL);
        assert!(cache.get("customers/cus_1", now + TTL - Duration::from_secs(1)).is_some());
        assert!(cache.get("customers/cus_1", now + TTL).is_none());
        assert!(cache.get("customers/cus_2", now).is_none());
    }

    #[test]
    fn what_expires_first_makes_room() {
        let (cache, start) = (Cache::default(), Instant::now());
        let at = |number: usize| start + Duration::from_millis(number.try_into().unwrap());
        for number in 0..=CAPACITY {
            cache.put(number.to_string(), Arc::default(), at(number), TTL);
        }
        assert_eq!(cache.entries().len(), CAPACITY);
        assert!(cache.get("0", start).is_none());
        assert!(cache.get("1", start).is_some());
        cache.put("1".to_owned(), Arc::default(), at(CAPACITY + 1), TTL);
        assert_eq!(cache.entries().len(), CAPACITY);
    }
}

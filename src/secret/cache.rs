use super::{Secret, SecretError};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// How long nobody asks again after a refresh has failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Where secrets come from.
pub trait Source: Send + Sync {
    /// Fetches the current value.
    fn fetch(&self) -> impl Future<Output = Result<Secret, SecretError>> + Send;
}

/// Serves a secret from memory until it is older than its time to live, then fetches it anew. A
/// refresh that fails for a passing reason leaves the last good value in service.
#[derive(Debug)]
pub struct SecretCache<S> {
    source: S,
    ttl: Duration,
    /// Held over a fetch, so that concurrent invocations wait for one instead of each making their own.
    cached: Mutex<Option<Cached>>,
}

#[derive(Debug)]
struct Cached {
    secret: Arc<Secret>,
    /// By the wall clock: a frozen environment's monotonic clock may have stood still.
    fresh_until: SystemTime,
}

impl<S: Source> SecretCache<S> {
    /// An empty cache; `ttl` is the time to live of a fetched value.
    pub fn new(source: S, ttl: Duration) -> Self {
        Self { source, ttl, cached: Mutex::new(None) }
    }

    /// The secret as of `now`.
    ///
    /// # Errors
    /// If there is none yet and it cannot be fetched, or if access to it has been taken away.
    pub async fn get(&self, now: SystemTime) -> Result<Arc<Secret>, SecretError> {
        let mut cached = self.cached.lock().await;
        match &mut *cached {
            Some(cached) if now < cached.fresh_until => Ok(cached.secret.clone()),
            old => self.refresh(old, now).await,
        }
    }

    async fn refresh(
        &self,
        cached: &mut Option<Cached>,
        now: SystemTime,
    ) -> Result<Arc<Secret>, SecretError> {
        match (self.source.fetch().await, cached) {
            (Ok(secret), cached) => {
                let secret = Arc::new(secret);
                *cached = Some(Cached { secret: secret.clone(), fresh_until: now + self.ttl });
                Ok(secret)
            }
            (Err(error), Some(old)) if error.keeps_old_value() => {
                tracing::error!(reason = error.code(), "{error} The last good value stays in use.");
                old.fresh_until = now + PAUSE_AFTER_FAILURE.min(self.ttl);
                Ok(old.secret.clone())
            }
            (Err(error), cached) => {
                *cached = None;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const TTL: Duration = Duration::from_mins(5);
    const START: SystemTime = SystemTime::UNIX_EPOCH;

    /// Answers what it is told, and counts.
    #[derive(Default)]
    struct Scripted {
        failing_with: StdMutex<Option<SecretError>>,
        fetches: AtomicUsize,
    }

    impl Source for &Scripted {
        async fn fetch(&self) -> Result<Secret, SecretError> {
            self.fetches.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            match self.failing_with.lock().unwrap().clone() {
                Some(error) => Err(error),
                None => Secret::parse(
                    r#"{"dodo_webhook_secret":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                        "customerio_site_id":"0123456789abcdef0123",
                        "customerio_api_key":"3210fedcba9876543210"}"#,
                ),
            }
        }
    }

    impl Scripted {
        fn fail(&self, error: SecretError) {
            *self.failing_with.lock().unwrap() = Some(error);
        }

        fn fetches(&self) -> usize {
            self.fetches.load(Ordering::Relaxed)
        }
    }

    fn after(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn it_is_fetched_once_within_its_time_to_live() {
        let source = Scripted::default();
        let cache = SecretCache::new(&source, TTL);
        for (seconds, fetches) in [(0, 1), (299, 1), (300, 2), (599, 2), (600, 3)] {
            cache.get(after(seconds)).await.unwrap();
            assert_eq!(source.fetches(), fetches, "after {seconds} s");
        }
    }

    #[tokio::test]
    async fn concurrent_invocations_share_a_fetch() {
        let source = Scripted::default();
        let cache = SecretCache::new(&source, TTL);
        let (first, second) = tokio::join!(cache.get(START), cache.get(START));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(source.fetches(), 1);
    }

    #[tokio::test]
    async fn a_passing_failure_keeps_the_old_value_and_does_not_ask_at_every_webhook() {
        for error in [SecretError::Unreachable, SecretError::Invalid(Vec::new())] {
            let source = Scripted::default();
            let cache = SecretCache::new(&source, TTL);
            cache.get(START).await.unwrap();
            source.fail(error);
            for (seconds, fetches) in [(300, 2), (329, 2), (330, 3)] {
                cache.get(after(seconds)).await.unwrap();
                assert_eq!(source.fetches(), fetches, "after {seconds} s");
            }
        }
    }

    #[tokio::test]
    async fn access_taken_away_ends_the_old_value() {
        let source = Scripted::default();
        let cache = SecretCache::new(&source, TTL);
        cache.get(START).await.unwrap();
        source.fail(SecretError::Refused("AccessDeniedException".into()));
        assert!(cache.get(after(300)).await.is_err());
        source.fail(SecretError::Unreachable);
        assert_eq!(cache.get(after(301)).await.unwrap_err(), SecretError::Unreachable);
    }
}

use super::{Secret, SecretError};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// An early refresh never happens within this time after the last fetch, so that nobody can run up
/// calls by sending wrong signatures. A failed refresh is repeated after this time.
const BETWEEN_FETCHES: Duration = Duration::from_secs(30);

/// With no secret at all, the next webhook may ask after this time: shorter than Dodo's first pause
/// of 5 s, long enough that strangers cannot run up calls.
const WITHOUT_ANY: Duration = Duration::from_secs(2);

/// Where secrets come from.
pub(crate) trait Source: Send + Sync {
    /// Fetches the current value.
    fn fetch(&self) -> impl Future<Output = Result<Secret, SecretError>> + Send;
}

/// Serves a secret from memory until it is older than its time to live, then fetches it again. A
/// refresh that fails leaves the last good value in service, unless access to it was taken away or it
/// was deleted.
#[derive(Debug)]
pub(crate) struct SecretCache<S> {
    source: S,
    ttl: Duration,
    /// Held over a fetch, so that concurrent invocations wait for one instead of each making their own.
    state: Mutex<Option<Fetched>>,
}

/// The last fetch. Times are the wall clock's: a frozen environment's monotonic clock may stand still.
#[derive(Debug)]
struct Fetched {
    at: SystemTime,
    /// When the next webhook asks again.
    due: SystemTime,
    result: Result<Arc<Secret>, SecretError>,
}

impl<S: Source> SecretCache<S> {
    /// An empty cache; `ttl` is the time to live of a fetched value.
    pub(crate) fn new(source: S, ttl: Duration) -> Self {
        Self { source, ttl, state: Mutex::new(None) }
    }

    /// The secret as of `now`.
    ///
    /// # Errors
    /// If there is none yet and it cannot be fetched, or if it was taken away.
    pub(crate) async fn get(&self, now: SystemTime) -> Result<Arc<Secret>, SecretError> {
        let mut state = self.state.lock().await;
        match &*state {
            Some(fetched) if now < fetched.due => fetched.result.clone(),
            _ => self.fetch(&mut state, now).await,
        }
    }

    /// A newer secret than the one that has just failed: one that another invocation has fetched
    /// meanwhile, or fetches now, ahead of its time. `None` if the last fetch was too recent, or did
    /// not succeed.
    pub(crate) async fn newer_than(
        &self,
        failed: &Arc<Secret>,
        now: SystemTime,
    ) -> Option<Arc<Secret>> {
        let mut state = self.state.lock().await;
        let Fetched { at, result, .. } = state.as_ref()?;
        match result {
            Ok(current) if !Arc::ptr_eq(current, failed) => Some(current.clone()),
            _ if now.duration_since(*at).unwrap_or_default() < BETWEEN_FETCHES => None,
            _ => {
                let newer = self.fetch(&mut state, now).await.ok()?;
                (!Arc::ptr_eq(&newer, failed)).then_some(newer)
            }
        }
    }

    async fn fetch(
        &self,
        state: &mut Option<Fetched>,
        now: SystemTime,
    ) -> Result<Arc<Secret>, SecretError> {
        let old = state.as_ref().and_then(|fetched| fetched.result.clone().ok());
        let pause_with_old = BETWEEN_FETCHES.min(self.ttl);
        // In case the caller gives up while it waits: that is a failed refresh too.
        if let Some(fetched) = state.as_mut().filter(|_| old.is_some()) {
            (fetched.at, fetched.due) = (now, now + pause_with_old);
        }
        let (result, pause) = match (self.source.fetch().await, old) {
            (Ok(secret), old) => {
                warn_of_ignored_fields(&secret, old.as_deref());
                (Ok(Arc::new(secret)), self.ttl)
            }
            (Err(error), Some(old)) if error.keeps_old_value() => {
                tracing::error!(reason = error.code(), "{error} The last good value stays in use.");
                (Ok(old), pause_with_old)
            }
            (Err(error), _) => (Err(error), WITHOUT_ANY),
        };
        *state = Some(Fetched { at: now, due: now + pause, result: result.clone() });
        result
    }
}

/// Once for each change, not at every fetch.
fn warn_of_ignored_fields(secret: &Secret, old: Option<&Secret>) {
    if old.is_some_and(|old| old.ignored == secret.ignored) {
        return;
    }
    for mistake in &secret.ignored {
        tracing::warn!(
            reason = "secret_field_ignored",
            "In the secret, {mistake}. The field is optional and counts as absent."
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
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
        assert_eq!(source.fetches(), 1);

        let (failed, now) = (first.unwrap(), after(60));
        let (one, other) =
            tokio::join!(cache.newer_than(&failed, now), cache.newer_than(&failed, now));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        assert!(Arc::ptr_eq(&failed, &second.unwrap()));
        assert_eq!(source.fetches(), 2);
    }

    #[tokio::test]
    async fn an_early_refresh_never_follows_a_fetch_closely() {
        let source = Scripted::default();
        let cache = SecretCache::new(&source, TTL);
        let first = cache.get(START).await.unwrap();
        assert!(cache.newer_than(&first, after(29)).await.is_none());
        assert_eq!(source.fetches(), 1);
        let second = cache.newer_than(&first, after(30)).await.unwrap();
        assert_eq!(source.fetches(), 2);
        // However many wrong signatures arrive.
        for seconds in 30..60 {
            assert!(cache.newer_than(&second, after(seconds)).await.is_none());
        }
        assert_eq!(source.fetches(), 2);
    }

    #[tokio::test]
    async fn a_failed_early_refresh_counts_as_a_fetch() {
        let source = Scripted::default();
        let cache = SecretCache::new(&source, TTL);
        let first = cache.get(START).await.unwrap();
        source.fail(SecretError::Unreachable);
        for (seconds, fetches) in [(40, 2), (69, 2), (70, 3)] {
            assert!(cache.newer_than(&first, after(seconds)).await.is_none());
            assert_eq!(source.fetches(), fetches, "after {seconds} s");
        }
        assert!(Arc::ptr_eq(&first, &cache.get(after(71)).await.unwrap()));
    }

    #[tokio::test]
    async fn a_failure_keeps_the_old_value_and_does_not_ask_at_every_webhook() {
        for error in [
            SecretError::Unreachable,
            SecretError::Unavailable("ThrottlingException".into()),
            SecretError::Refused { code: "DecryptionFailure".into(), remedy: "" },
            SecretError::Invalid(Vec::new()),
        ] {
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
    async fn only_lost_access_and_deletion_end_the_old_value() {
        for error in [SecretError::AccessDenied, SecretError::NotFound] {
            let source = Scripted::default();
            let cache = SecretCache::new(&source, TTL);
            cache.get(START).await.unwrap();
            source.fail(error.clone());
            assert_eq!(cache.get(after(300)).await.unwrap_err(), error);
            source.fail(SecretError::Unreachable);
            assert_eq!(cache.get(after(302)).await.unwrap_err(), SecretError::Unreachable);
        }
    }

    #[tokio::test]
    async fn a_refresh_that_is_given_up_counts_as_failed() {
        let source = Scripted::default();
        let cache = SecretCache::new(&source, TTL);
        let first = cache.get(START).await.unwrap();
        assert!(cache.get(after(300)).now_or_never().is_none(), "given up while it waited");
        assert!(Arc::ptr_eq(&first, &cache.get(after(301)).await.unwrap()));
        assert!(cache.newer_than(&first, after(329)).await.is_none());
        assert_eq!(source.fetches(), 2);
        cache.get(after(330)).await.unwrap();
        assert_eq!(source.fetches(), 3);
    }

    #[tokio::test]
    async fn without_a_secret_strangers_cannot_run_up_calls() {
        let source = Scripted::default();
        let cache = SecretCache::new(&source, TTL);
        source.fail(SecretError::Unreachable);
        for (milliseconds, fetches) in [(0, 1), (1999, 1), (2000, 2), (3999, 2)] {
            let now = START + Duration::from_millis(milliseconds);
            assert!(cache.get(now).await.is_err());
            assert_eq!(source.fetches(), fetches, "after {milliseconds} ms");
        }
    }
}

use super::client::Object;
use super::error::LookupError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// What the API said to the events of one batch, by URL, so that no two of them ask the same. It is
/// dropped with the batch: lists are true of now.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<HashMap<String, Arc<Entry>>>);

type Entry = OnceCell<Result<Arc<Object>, LookupError>>;

impl Memo {
    /// What the API says at a URL. Whoever comes first asks by `ask`, the others wait for that.
    ///
    /// # Errors
    /// Why it says nothing.
    pub(super) async fn get_or_ask(
        &self,
        url: &str,
        ask: impl Future<Output = Result<Object, LookupError>>,
    ) -> Result<Object, LookupError> {
        let entry = self.entry(url);
        let said = entry.get_or_init(|| async { ask.await.map(Arc::new) }).await;
        said.clone().map(Arc::unwrap_or_clone)
    }

    /// Whole even if a panic elsewhere has poisoned it.
    fn entry(&self, url: &str) -> Arc<Entry> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.entry(url.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn each_url_is_asked_once_even_at_the_same_time_and_if_it_fails() {
        let (memo, asked) = (Memo::default(), AtomicUsize::new(0));
        let ask = async |result: Result<Object, LookupError>| {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            result
        };
        let found = Object::from_iter([("customer_id".to_owned(), "cus_1".into())]);
        let (one, other) = tokio::join!(
            memo.get_or_ask("a", ask(Ok(found.clone()))),
            memo.get_or_ask("a", ask(Ok(Object::default()))),
        );
        assert_eq!((one, other), (Ok(found.clone()), Ok(found)));
        for _ in 0..2 {
            let failed = memo.get_or_ask("b", ask(Err(LookupError::TimedOut))).await;
            assert_eq!(failed, Err(LookupError::TimedOut));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}

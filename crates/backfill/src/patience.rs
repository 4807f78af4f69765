//! How long a service may fail, and that somebody who watches knows what is waited for.

use crate::Terminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Shorter waits are not worth a sentence.
const LONG: Duration = Duration::from_secs(10);

/// With one service. It ends when nothing has succeeded for too long since the first failure.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    trouble: Mutex<Trouble>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Trouble {
    /// Of the first failure since the last success.
    since: Option<Instant>,
    /// Whether somebody was told of it.
    is_said: bool,
    /// What is to be said.
    sentence: Option<String>,
}

impl Patience {
    pub fn new(limit: Duration) -> Self {
        Self { limit, trouble: Mutex::default(), news: Notify::new() }
    }

    /// It has responded properly.
    pub fn succeeded(&self) {
        *self.trouble() = Trouble::default();
    }

    /// An attempt that began then has failed, for this reason, and another one follows after `pause`.
    /// Of a long wait one sentence is kept for [`watched`], however many attempts fail.
    ///
    /// # Errors
    /// How long it has failed, if that is too long.
    pub fn failed(&self, began: Instant, pause: Duration, why: &str) -> Result<(), Duration> {
        let mut trouble = self.trouble();
        let failing = trouble.since.get_or_insert(began).elapsed();
        if failing >= self.limit {
            return Err(failing);
        }
        if failing + pause > LONG && !trouble.is_said {
            trouble.is_said = true;
            trouble.sentence = Some(sentence(why, pause));
            self.news.notify_one();
        }
        Ok(())
    }

    /// Waits until there is something to say.
    async fn news(&self) -> String {
        loop {
            if let Some(sentence) = self.trouble().sentence.take() {
                return sentence;
            }
            self.news.notified().await;
        }
    }

    /// Whole even if a panic elsewhere has poisoned it.
    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sentence(why: &str, pause: Duration) -> String {
    let seconds = pause.as_secs().max(1);
    let pause = if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} minutes", seconds.div_ceil(60))
    };
    format!(
        "{why}: waiting, and asking again in {pause}. Ctrl-C stops; the same command goes on from here."
    )
}

/// Does the work, and meanwhile says what is waited for.
pub async fn watched<T>(
    work: impl Future<Output = T>,
    patience: &Patience,
    terminal: &mut dyn Terminal,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            sentence = patience.news() => terminal.say(&sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const PAUSE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_spell_is_said_once_and_ends_with_a_success_or_the_patience() {
        tokio::time::pause();
        let patience = Patience::new(Duration::from_mins(1));
        let said = || patience.trouble().sentence.take();
        let fails = |pause| patience.failed(Instant::now(), pause, "It is down");
        advance(Duration::from_mins(9)).await;
        assert_eq!((fails(PAUSE), said()), (Ok(()), None), "idle before, and a short wait");
        advance(Duration::from_secs(6)).await;
        assert!(fails(PAUSE).is_ok() && said().unwrap().contains("It is down: waiting"));
        assert_eq!((fails(PAUSE), said()), (Ok(()), None), "once");
        advance(Duration::from_secs(54)).await;
        assert_eq!(fails(PAUSE), Err(Duration::from_mins(1)));
        patience.succeeded();
        assert!(fails(Duration::from_hours(1)).is_ok() && said().unwrap().contains("60 minutes"));
    }
}

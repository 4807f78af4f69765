//! The local Dodo API's rate limit, in simulated time.

use crate::dodo_api::Client;
use stand_ins::clock::Clock;
use stand_ins::dodo_api::RateLimit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Sends a request and returns its status, and the values of the two headers.
async fn request(client: &Client) -> (u16, Option<u64>, Option<u64>) {
    let response = client.send("/payments", "key").await;
    let header = |name: &str| response.headers().get(name)?.to_str().ok()?.parse().ok();
    (response.status().as_u16(), header("x-ratelimit-remaining"), header("retry-after"))
}

#[tokio::test]
async fn too_many_requests_in_a_second_or_a_minute_are_refused_for_as_long_as_it_says() {
    let client = Client::start().await;
    let now = Arc::new(AtomicU64::new(1_000_000));
    let shown = now.clone();
    let clock = Clock::new(move || {
        SystemTime::UNIX_EPOCH + Duration::from_millis(shown.load(Ordering::Relaxed))
    });
    assert_eq!(request(&client).await, (200, None, None), "off by default");

    client.0.state().rate_limit = Some(RateLimit::new(25, clock));
    for left in (15..25).rev() {
        assert_eq!(request(&client).await, (200, Some(left), None));
    }
    assert_eq!(request(&client).await, (429, Some(0), Some(1)), "the eleventh in a second");
    now.fetch_add(1_000, Ordering::Relaxed);
    for left in (5..15).rev() {
        assert_eq!(request(&client).await, (200, Some(left), None));
    }
    now.fetch_add(1_000, Ordering::Relaxed);
    for left in (0..5).rev() {
        assert_eq!(request(&client).await, (200, Some(left), None));
    }
    assert_eq!(request(&client).await, (429, Some(0), Some(58)), "the 26th in a minute");
    now.fetch_add(58_000, Ordering::Relaxed);
    assert_eq!(request(&client).await.0, 200);
}

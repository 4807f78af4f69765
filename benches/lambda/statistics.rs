//! What was measured, and its medians.

use std::time::Duration;

/// One environment, from start to end.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Until it asks for its first event.
    pub start: Duration,
    /// The first webhook.
    pub first: Duration,
    /// Start and first webhook over TLS.
    pub cold_tls: Option<Duration>,
    /// Further webhooks, each without waiting for Customer.io.
    pub own: Vec<Duration>,
    /// CPU time of a warm webhook.
    pub cpu: Duration,
    /// Largest resident size, in bytes.
    pub peak: u64,
}

impl Sample {
    /// What a webhook waits that finds no environment.
    pub fn cold(&self) -> Duration {
        self.start + self.first
    }
}

/// All samples, by candidate and share.
pub struct Figures(Vec<Vec<Vec<Sample>>>);

impl Figures {
    pub fn new(rows: usize, columns: usize) -> Self {
        Self(vec![vec![Vec::new(); columns]; rows])
    }

    pub fn add(&mut self, row: usize, column: usize, sample: Sample) {
        self.0[row][column].push(sample);
    }

    /// The samples of one candidate at one share (0: full CPU).
    pub fn of(&self, row: usize, column: usize) -> Cell<'_> {
        Cell(&self.0[row][column])
    }
}

/// The samples of one candidate at one share. Times are in milliseconds.
#[derive(Clone, Copy)]
pub struct Cell<'a>(&'a [Sample]);

impl Cell<'_> {
    pub fn start(self) -> f64 {
        self.median(|sample| sample.start)
    }

    pub fn first(self) -> f64 {
        self.median(|sample| sample.first)
    }

    pub fn cold(self) -> f64 {
        self.median(Sample::cold)
    }

    pub fn cold_tls(self) -> Option<f64> {
        let times: Option<Vec<f64>> =
            self.0.iter().map(|sample| sample.cold_tls.map(milliseconds)).collect();
        times.map(|times| quantile(times, 50))
    }

    /// A percentile of the warm webhooks of all rounds.
    pub fn own(self, percent: usize) -> f64 {
        let times = self.0.iter().flat_map(|sample| &sample.own).copied();
        quantile(times.map(milliseconds).collect(), percent)
    }

    /// The mean, since the system counts CPU time in hundredths of a second.
    pub fn cpu(self) -> f64 {
        let all: Duration = self.0.iter().map(|sample| sample.cpu).sum();
        milliseconds(all) / self.0.len() as f64
    }

    /// In MB.
    pub fn peak(self) -> f64 {
        quantile(self.0.iter().map(|sample| sample.peak as f64 / 1e6).collect(), 50)
    }

    fn median(self, time: impl Fn(&Sample) -> Duration) -> f64 {
        quantile(self.0.iter().map(|sample| milliseconds(time(sample))).collect(), 50)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn quantile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last * percent).div_ceil(100)).copied().unwrap_or(f64::NAN)
}

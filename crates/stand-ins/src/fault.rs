//! How a stand-in fails.

use super::serve::{self, Answer, AnswerBody, Broken};
use hyper::Response;
use std::collections::VecDeque;
use std::time::Duration;

/// One way to fail; each is used up by one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answers this status, with these headers and body, without taking anything.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Breaks the connection before the request is taken.
    BreakBefore,
    /// Takes the request, then breaks the connection.
    BreakAfter,
    /// Takes the request, then breaks the connection in the middle of the answer.
    Cut,
    /// Takes the request, then answers late.
    Slow(Duration),
}

impl Fault {
    /// A plain status with an empty object.
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), "{}".to_owned())
    }

    /// What a client sees of a request that `take` would have answered.
    ///
    /// # Errors
    /// If the fault breaks the connection.
    ///
    /// # Panics
    /// If the status or a header of the fault's own response is invalid.
    pub async fn befall(self, take: impl FnOnce() -> Response<AnswerBody>) -> Answer {
        match self {
            Self::Answer(status, headers, body) => {
                let mut answer = Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                Ok(answer.body(serve::body(body)).expect("a valid answer"))
            }
            Self::BreakBefore => Err(Broken),
            Self::BreakAfter => {
                take();
                Err(Broken)
            }
            Self::Cut => {
                take();
                Ok(Response::new(serve::cut_body()))
            }
            Self::Slow(delay) => {
                let answer = take();
                tokio::time::sleep(delay).await;
                Ok(answer)
            }
        }
    }
}

/// Decides about the next request when no fault is waiting.
pub type Plan = Box<dyn FnMut() -> Option<Fault> + Send>;

/// What the next requests shall suffer.
#[derive(Default)]
pub struct Faults {
    /// One request each.
    pub queue: VecDeque<Fault>,
    /// All others.
    pub plan: Option<Plan>,
}

impl Faults {
    /// What this request suffers.
    pub fn pop(&mut self) -> Option<Fault> {
        let planned = |plan: &mut Option<Plan>| plan.as_mut().and_then(|plan| plan());
        self.queue.pop_front().or_else(|| planned(&mut self.plan))
    }
}

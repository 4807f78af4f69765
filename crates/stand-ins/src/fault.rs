//! How a stand-in fails.

use super::serve::{self, Broken, ResponseBody, ServiceResult};
use hyper::Response;
use std::collections::VecDeque;
use std::time::Duration;

/// One way to fail; each is used up by one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with these headers and this body; the request is not processed.
    Response(u16, Vec<(&'static str, String)>, String),
    /// Breaks the connection before the request is processed.
    BreakBefore,
    /// Processes the request, then breaks the connection.
    BreakAfter,
    /// Processes the request, then breaks the connection in the middle of the response.
    Cut,
    /// Processes the request, then responds late.
    Slow(Duration),
    /// Customer.io alone: processes all items of a batch but the last, which it refuses.
    LastItem,
}

impl Fault {
    /// A plain status with an empty object.
    pub fn status(status: u16) -> Self {
        Self::Response(status, Vec::new(), "{}".to_owned())
    }

    /// In a word or two, for people.
    pub fn in_short(&self) -> String {
        match self {
            Self::Response(status, _, _) => status.to_string(),
            Self::BreakBefore | Self::BreakAfter => "broken connection".to_owned(),
            Self::Cut => "response cut off".to_owned(),
            Self::Slow(_) => "slow".to_owned(),
            Self::LastItem => "last item refused".to_owned(),
        }
    }

    /// Whether the request is processed all the same.
    pub fn processes(&self) -> bool {
        !matches!(self, Self::Response(..) | Self::BreakBefore)
    }

    /// What a client gets instead of the response that `process` would give.
    ///
    /// # Errors
    /// If the fault breaks the connection.
    ///
    /// # Panics
    /// If the status or a header of the fault's own response is invalid.
    pub async fn apply(self, process: impl FnOnce() -> Response<ResponseBody>) -> ServiceResult {
        match self {
            Self::Response(status, headers, body) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(serve::body(body)).expect("a valid response"))
            }
            Self::BreakBefore => Err(Broken),
            Self::BreakAfter => {
                process();
                Err(Broken)
            }
            Self::Cut => {
                process();
                Ok(Response::new(serve::cut_body()))
            }
            Self::Slow(delay) => {
                let response = process();
                tokio::time::sleep(delay).await;
                Ok(response)
            }
            Self::LastItem => Ok(process()),
        }
    }
}

/// Decides how the next request fails when the queue is empty.
pub type Plan = Box<dyn FnMut() -> Option<Fault> + Send>;

/// How the next requests fail.
#[derive(Default)]
pub struct Faults {
    /// For one request each, in this order.
    pub queue: VecDeque<Fault>,
    /// For all requests after those.
    pub plan: Option<Plan>,
}

impl Faults {
    /// How this request fails, if it does.
    pub fn pop(&mut self) -> Option<Fault> {
        let planned = |plan: &mut Option<Plan>| plan.as_mut().and_then(|plan| plan());
        self.queue.pop_front().or_else(|| planned(&mut self.plan))
    }
}

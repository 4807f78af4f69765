//! What the real function responds and logs in each situation that an alarm is about, and to strangers.

use crate::world::{Response, World};
use serde_json::{Value, json};
use stand_ins::dodo::{Webhook, random_hex, sample};
use stand_ins::fault::Fault;
use std::time::Duration;

/// A situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    Delivered,
    Ignored,
    WithLookups,
    LookupsFail,
    CustomerIoDown,
    CustomerIoSlow,
    CredentialsWrong,
    Rejected,
    Malformed,
    TransformFails,
    SignatureWrong,
    Scanned,
    Misconfigured,
    Throttled,
}

/// What one request comes to.
#[derive(Debug, Clone)]
pub struct Observed {
    pub situation: Situation,
    /// The line in the log; what Lambda itself counts leaves none.
    pub line: Option<Value>,
    /// Whether Dodo sends the webhook again.
    pub comes_again: bool,
}

impl Observed {
    /// Every situation, each at a process of its own.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![
            Self::lambdas(Situation::Misconfigured),
            Self::lambdas(Situation::Throttled),
            lookups(Situation::WithLookups).await,
            lookups(Situation::LookupsFail).await,
            failing_transform().await,
        ];
        for situation in [
            Situation::Delivered,
            Situation::Ignored,
            Situation::CustomerIoDown,
            Situation::CustomerIoSlow,
            Situation::CredentialsWrong,
            Situation::Rejected,
            Situation::Malformed,
            Situation::SignatureWrong,
            Situation::Scanned,
        ] {
            all.push(direct(situation).await);
        }
        all
    }

    fn new(situation: Situation, response: &Response, line: Value) -> Self {
        let stops = response.headers["webhook-delivery"] == "abort-message";
        let comes_again = !(200..300).contains(&response.status) && !stops;
        Self { situation, line: Some(line), comes_again }
    }

    /// The function does not run at all.
    fn lambdas(situation: Situation) -> Self {
        Self { situation, line: None, comes_again: true }
    }

    async fn at(world: &World, situation: Situation, response: Response) -> Self {
        Self::new(situation, &response, world.log_lines(1).await.remove(0))
    }
}

async fn direct(situation: Situation) -> Observed {
    let world = World::start().await;
    let webhook = world.webhook("payment.succeeded");
    let rejection = r#"{"errors":[{"reason":"invalid","field":"name","message":"is odd"}]}"#;
    match situation {
        Situation::CustomerIoDown => world.customerio.fail(vec![Fault::status(503); 3]),
        Situation::CustomerIoSlow => {
            world.customerio.fail([Fault::Slow(Duration::from_millis(3100))]);
        }
        Situation::CredentialsWrong => world.customerio.fail([Fault::status(401)]),
        Situation::Rejected => {
            world.customerio.fail([Fault::Response(400, vec![], rejection.into())]);
        }
        _ => {}
    }
    let response = match situation {
        Situation::Ignored => world.deliver(&world.webhook("payout.created")).await,
        Situation::Malformed => world.deliver(&world.signed("[]")).await,
        Situation::SignatureWrong => {
            world.deliver(&Webhook { signature: "v1,AAAA".into(), ..webhook }).await
        }
        Situation::Scanned => world.post(&[("user-agent", "scanner")], b"{}").await,
        _ => world.deliver(&webhook).await,
    };
    Observed::at(&world, situation, response).await
}

async fn lookups(situation: Situation) -> Observed {
    let world = World::with_dodo_api(&[]).await;
    world.dodo_api.state().happened(&sample("payment.succeeded").unwrap().event);
    if situation == Situation::LookupsFail {
        world.dodo_api.state().faults.plan = Some(Box::new(|| Some(Fault::status(403))));
    }
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    Observed::at(&world, situation, response).await
}

/// Without JavaScript nothing can fail so; then the line is what it would be.
async fn failing_transform() -> Observed {
    let situation = Situation::TransformFails;
    if cfg!(not(feature = "javascript")) {
        let line = json!({
            "Undelivered": 1, "TransformFailures": 1, "OwnTime": 1.0, "FunctionName": "f",
            "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{
                "Namespace": "dodo-customerio", "Dimensions": [["FunctionName"]],
                "Metrics": [{"Name": "Undelivered"}, {"Name": "TransformFailures"}, {"Name": "OwnTime"}],
            }]},
        });
        return Observed { situation, line: Some(line), comes_again: true };
    }
    let file = std::env::temp_dir().join(format!("{}.js", random_hex()));
    std::fs::write(&file, "function handler(webhook) { throw new Error('odd') }").unwrap();
    let world = World::with(&[("TRANSFORM_FILE", file.to_str().unwrap())]).await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    let observed = Observed::at(&world, situation, response).await;
    std::fs::remove_file(file).unwrap();
    observed
}

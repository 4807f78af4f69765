//! Verifies a webhook, makes a person and an event of a payment, posts both to Customer.io.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use serde_json::{Value, json};
use sha2::Sha256;
use std::env;

struct App {
    secret: Value,
    http: reqwest::Client,
    track: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_from_env().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let answer = secrets.get_secret_value().secret_id(env::var("SECRET_ID")?).send().await?;
    let secret = serde_json::from_str(answer.secret_string().unwrap_or_default())?;
    let track = env::var("CUSTOMERIO_TRACK_URL")?;
    let app = &App { secret, http: reqwest::Client::new(), track };
    run(service_fn(move |request| app.handle(request))).await
}

impl App {
    async fn handle(&self, request: Request) -> Result<Response<Body>, Error> {
        let status = match self.verify(&request) {
            Some(event) => self.deliver(&event).await?,
            None => 401,
        };
        Ok(Response::builder().status(status).body(Body::Empty)?)
    }

    fn verify(&self, request: &Request) -> Option<Value> {
        let header = |name| request.headers().get(name)?.to_str().ok();
        let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
        let key = self.secret["dodo_webhook_secret"].as_str()?.strip_prefix("whsec_")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(key).ok()?).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(request.body());
        let signature = header("webhook-signature")?.strip_prefix("v1,")?;
        mac.verify_slice(&STANDARD.decode(signature).ok()?).ok()?;
        serde_json::from_slice(request.body()).ok()
    }

    async fn deliver(&self, event: &Value) -> Result<u16, Error> {
        let (data, customer) = (&event["data"], &event["data"]["customer"]);
        let who = json!({"id": customer["customer_id"]});
        let person = json!({"email": customer["email"], "name": customer["name"]});
        let payment = json!({
            "payment_id": data["payment_id"],
            "payment_amount_minor": data["total_amount"],
            "currency": data["currency"],
            "status": data["status"],
        });
        let batch = json!({"batch": [
            {"type": "person", "identifiers": who, "action": "identify", "attributes": person},
            {"type": "person", "identifiers": who, "action": "event", "name": "Payment Completed", "attributes": payment},
        ]});
        let text = |name: &str| self.secret[name].as_str().unwrap_or_default().to_owned();
        let answer = self
            .http
            .post(format!("{}/api/v2/batch", self.track))
            .basic_auth(text("customerio_site_id"), Some(text("customerio_api_key")))
            .json(&batch)
            .send()
            .await?;
        Ok(answer.status().as_u16())
    }
}

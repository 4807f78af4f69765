//! Which ways to fail there are, each with the reason that it makes the function give.

use serde_json::{Value, json};
use stand_ins::fault::Fault;
use std::time::Duration;

/// Which service fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    CustomerIo,
    DodoApi,
    SecretsManager,
}

/// One way to fail.
pub struct Entry {
    pub id: &'static str,
    pub place: Place,
    /// For a button.
    name: &'static str,
    /// The reason in `docs/troubleshooting.md` that it leads to, where it always leads to one.
    shows: Option<&'static str>,
    /// What happens, and what the function does.
    what: &'static str,
    pub make: fn() -> Fault,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::CustomerIo, Self::DodoApi, Self::SecretsManager];

    pub fn name(self) -> &'static str {
        match self {
            Self::CustomerIo => "customerio",
            Self::DodoApi => "dodo_api",
            Self::SecretsManager => "secrets_manager",
        }
    }
}

impl Entry {
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id, "service": self.place.name(), "name": self.name, "shows": self.shows, "what": self.what,
        })
    }
}

/// Longer than the function has for a webhook.
const SLOW: Duration = Duration::from_secs(14);

fn slow() -> Fault {
    Fault::Slow(SLOW)
}

fn status(status: u16, body: &Value) -> Fault {
    Fault::Response(status, Vec::new(), body.to_string())
}

/// As AWS writes an error.
fn aws(code: u16, error: &str) -> Fault {
    status(
        code,
        &json!({"__type": error, "Message": "The local Secrets Manager was told to say so."}),
    )
}

const fn entry(
    place: Place,
    id: &'static str,
    name: &'static str,
    shows: Option<&'static str>,
    what: &'static str,
    make: fn() -> Fault,
) -> Entry {
    Entry { id, place, name, shows, what, make }
}

/// All of them, by service.
pub static FAULTS: [Entry; 20] = [
    entry(
        Place::CustomerIo,
        "customerio.slow",
        "Slow",
        Some("customerio_timeout"),
        "Customer.io responds after 14 s, longer than a webhook has; but it does what it was asked. The retry counts \
         once, since it carries the same event id.",
        slow,
    ),
    entry(
        Place::CustomerIo,
        "customerio.429",
        "Too many requests (429)",
        Some("customerio_rate_limited"),
        "Customer.io asks to wait for 30 s. That is longer than a webhook has, so Dodo is asked to come again.",
        || Fault::Response(429, vec![("retry-after", "30".to_owned())], "{}".to_owned()),
    ),
    entry(
        Place::CustomerIo,
        "customerio.503",
        "Unavailable (503)",
        Some("customerio_unavailable"),
        "Customer.io is down. The function makes three attempts with pauses; once or twice, it is delivered all the \
         same.",
        || status(503, &json!({})),
    ),
    entry(
        Place::CustomerIo,
        "customerio.500",
        "Failure (500)",
        Some("customerio_unavailable"),
        "Customer.io has a failure of its own: the same as 503.",
        || status(500, &json!({})),
    ),
    entry(
        Place::CustomerIo,
        "customerio.broken",
        "Broken connection",
        Some("customerio_broken_connection"),
        "The connection breaks before Customer.io responds. The first time the function repeats at once.",
        || Fault::BreakBefore,
    ),
    entry(
        Place::CustomerIo,
        "customerio.cut",
        "Response cut off",
        Some("customerio_unreadable_response"),
        "Customer.io does what it was asked, but its response breaks off, so nobody knows. The retry counts once.",
        || Fault::Cut,
    ),
    entry(
        Place::CustomerIo,
        "customerio.207",
        "One item refused (207)",
        Some("refused_by_customerio"),
        "Customer.io accepts the batch but for its last item, the event. What it accepted stays; Dodo keeps the \
         webhook for a replay, and does not retry by itself.",
        || Fault::LastItem,
    ),
    entry(
        Place::CustomerIo,
        "customerio.400",
        "Refused (400)",
        Some("refused_by_customerio"),
        "Customer.io refuses the whole request for good, with a reason. Dodo keeps the webhook for a replay.",
        || {
            let error = json!({"reason": "invalid", "field": "batch", "message": "was refused, as it was told to"});
            status(400, &json!({"errors": [error]}))
        },
    ),
    entry(
        Place::CustomerIo,
        "customerio.401",
        "Credentials refused (401)",
        Some("credentials_refused"),
        "Customer.io refuses Site ID and API Key. They may have been rotated, so the function reads the secret again \
         (at most every 30 s) and tries once more.",
        || status(401, &json!({"meta": {"error": "Unauthorized request"}})),
    ),
    entry(
        Place::CustomerIo,
        "customerio.wrong_region",
        "Other region (301)",
        Some("wrong_region"),
        "Customer.io redirects to its other region. The function follows no redirects, since the credentials would \
         travel along.",
        || {
            let place = "https://track-eu.customer.io/api/v2/batch".to_owned();
            Fault::Response(301, vec![("location", place)], "{}".to_owned())
        },
    ),
    entry(
        Place::CustomerIo,
        "customerio.unreadable",
        "A proxy's page (200)",
        Some("customerio_unreadable_response"),
        "Something else responds with 200 and HTML. That does not count as accepted.",
        || Fault::Response(200, Vec::new(), "<html>Welcome</html>".to_owned()),
    ),
    entry(
        Place::CustomerIo,
        "customerio.unexpected",
        "A proxy's error (400)",
        Some("customerio_unexpected_response"),
        "A 400 without one of Customer.io's reasons is not Customer.io's, so nothing is refused for good.",
        || Fault::Response(400, Vec::new(), "<html>Bad Request</html>".to_owned()),
    ),
    entry(
        Place::DodoApi,
        "dodo_api.slow",
        "Slow",
        None,
        "Dodo's API responds after 14 s. What the event waits for makes Dodo retry; everything else goes without it.",
        slow,
    ),
    entry(
        Place::DodoApi,
        "dodo_api.429",
        "Too many requests (429)",
        None,
        "Dodo's API asks to wait for 10 s. Until then the function asks nothing, also if all is well again.",
        || Fault::Response(429, vec![("retry-after", "10".to_owned())], "{}".to_owned()),
    ),
    entry(Place::DodoApi, "dodo_api.503", "Unavailable (503)", None, "Dodo's API is down.", || {
        status(503, &json!({}))
    }),
    entry(
        Place::DodoApi,
        "dodo_api.401",
        "Key refused (401)",
        None,
        "Dodo's API refuses the key: events go as if there were none.",
        || status(401, &json!({"code": "UNAUTHORIZED", "message": "invalid API key"})),
    ),
    entry(
        Place::SecretsManager,
        "secrets_manager.down",
        "Down (500)",
        Some("secret_unreachable"),
        "Secrets Manager fails. A secret that was read before serves on; restart the function to see it without one.",
        || aws(500, "InternalServiceError"),
    ),
    entry(
        Place::SecretsManager,
        "secrets_manager.access_denied",
        "Access denied",
        Some("secret_refused"),
        "The function's role may not read the secret. Restart the function to see it.",
        || aws(400, "AccessDeniedException"),
    ),
    entry(
        Place::SecretsManager,
        "secrets_manager.not_found",
        "Secret deleted",
        Some("secret_refused"),
        "There is no such secret. Restart the function to see it.",
        || aws(400, "ResourceNotFoundException"),
    ),
    entry(
        Place::SecretsManager,
        "secrets_manager.invalid",
        "A field is missing",
        Some("secret_invalid"),
        "The secret has no dodo_webhook_secret. Restart the function to see it.",
        || {
            let secret =
                json!({"customerio_site_id": "site", "customerio_api_key": "key"}).to_string();
            status(200, &json!({"Name": "dodo", "SecretString": secret}))
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_fault_is_named_after_its_service_and_shows_a_reason_that_exists() {
        let page = include_str!("../../../../../docs/troubleshooting.md");
        let ids: BTreeSet<&str> = FAULTS.iter().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), FAULTS.len());
        for entry in &FAULTS {
            assert!(entry.id.starts_with(&format!("{}.", entry.place.name())), "{}", entry.id);
            let reason = entry.shows.unwrap_or("dodo_…");
            assert!(page.contains(&format!("`{reason}`")), "{reason}");
        }
    }
}

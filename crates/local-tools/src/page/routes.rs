//! From a request to what responds to it.

use super::{Page, Reply, assets, error, query};
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};
use stand_ins::dodo;
use stand_ins::serve::{self, ResponseBody};

impl Page {
    /// The response to a request that may be taken.
    pub(super) async fn route(&self, request: &Request<Bytes>) -> Response<ResponseBody> {
        let path = request.uri().path();
        let Some(path) = path.strip_prefix("/api/") else {
            let name = if path == "/" { Some("index.html") } else { path.strip_prefix("/page/") };
            let file = name.and_then(assets::file);
            return file.unwrap_or_else(|| error(404, "There is no such page."));
        };
        let reply = if request.method() == "GET" {
            self.read(path, request.uri().query()).await
        } else {
            match serde_json::from_slice(request.body()) {
                Ok(body @ Value::Object(_)) => self.act(path, &body).await,
                _ => Err((400, "The body must be a JSON object.".to_owned())),
            }
        };
        reply.map_or_else(|(status, why)| error(status, &why), |found| serve::json(200, &found))
    }

    async fn read(&self, path: &str, query: Option<&str>) -> Reply {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["state"] => Ok(self.state(query::value(query, "since")).await),
            ["webhooks"] => Ok(self.history().list(&super::history::Query::read(query))),
            ["webhooks", number] => self.webhook(number),
            ["samples"] => Ok(json!({"samples": dodo::names()})),
            ["samples", name @ ..] => sample(&name.join("/")),
            ["faults"] => Ok(self.faults()),
            ["transforms"] => Ok(self.transforms()),
            ["people"] => Ok(self.people(query)),
            ["people", id] => self.person(id),
            _ => Err(unknown()),
        }
    }

    async fn act(&self, path: &str, body: &Value) -> Reply {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["send"] => self.send(body).await,
            ["webhooks", number, "replay"] => self.replay(number, body).await,
            ["webhooks", number, "keep"] => self.keep(number, body).await,
            ["compare"] => self.compare(body).await,
            ["faults"] => self.fail(body).await,
            ["faults", "clear"] => self.clear_faults().await,
            ["function", "restart"] => {
                self.setup().board.restart();
                Ok(json!({}))
            }
            ["history", "clear"] => Ok(self.forget()),
            _ => Err(unknown()),
        }
    }
}

fn unknown() -> (u16, String) {
    (404, "The page has nothing under this address.".to_owned())
}

fn sample(name: &str) -> Reply {
    let is_known = dodo::names().iter().any(|known| known == name);
    if !is_known {
        return Err((404, "There is no such sample.".to_owned()));
    }
    let sample = dodo::sample(name).map_err(|problem| (422, problem))?;
    Ok(json!({"name": name, "event": sample.of_now().event}))
}

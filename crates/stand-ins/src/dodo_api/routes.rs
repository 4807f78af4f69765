//! From a request to a response.

use super::list::{List, date};
use super::page_cap::Shown;
use super::query::Query;
use super::views::{listed_customer, listed_dispute, listed_refund};
use super::{RateLimit, State};
use crate::serve::{self, ResponseBody};
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};

impl State {
    pub(super) fn process(&mut self, request: &Request<Bytes>) -> Response<ResponseBody> {
        let header = request.headers().get("authorization");
        let expected = format!("Bearer {}", self.key);
        if header.is_none_or(|header| header.as_bytes() != expected.as_bytes()) {
            return error(401, "UNAUTHORIZED", "invalid API key");
        }
        match self.rate_limit.as_mut().map(RateLimit::take) {
            None => self.found(request),
            Some(Ok(remaining)) => with(self.found(request), "x-ratelimit-remaining", remaining),
            Some(Err(seconds)) => {
                let response = error(429, "RATE_LIMITED", "too many requests");
                with(with(response, "x-ratelimit-remaining", 0), "retry-after", seconds)
            }
        }
    }

    fn found(&self, request: &Request<Bytes>) -> Response<ResponseBody> {
        let query = match Query::read(&request.uri().to_string(), self.ignores_filters) {
            Ok(query) => query,
            Err(name) => return invalid(name),
        };
        let path: Vec<_> = request.uri().path().trim_matches('/').split('/').collect();
        if let Some(found) = self.object(&path) {
            return serve::json(200, &found);
        }
        match path.as_slice() {
            [list] => self.list(list, query),
            _ => error(404, "NOT_FOUND", "no such object"),
        }
    }

    fn object(&self, path: &[&str]) -> Option<Value> {
        match path {
            ["customers", id] => self.customers.get(*id).cloned(),
            ["products", id] => self.products.get(*id).cloned(),
            ["payments", id] => self.payments.get(id).map(|it| self.whole_payment(it)),
            ["subscriptions", id] => self.subscriptions.get(id).cloned(),
            ["refunds", id] => self.refunds.get(id).cloned(),
            ["disputes", id] => self.disputes.get(id).cloned(),
            _ => None,
        }
    }

    fn list(&self, list: &str, mut query: Query) -> Response<ResponseBody> {
        let cap = self.page_caps.get(list);
        match cap.map_or(Shown::Page(query.page_number), |cap| cap.page(query.page_number)) {
            Shown::Page(number) => query.page_number = number,
            Shown::Nothing => return serve::json(200, &json!({"items": []})),
            Shown::Refused => return invalid("page_number"),
        }
        if let Some(archive) = &self.archive {
            return match archive.page(list, &query) {
                Some(page) => serve::json_text(200, page),
                None => invalid("a filter of the archive"),
            };
        }
        match self.items(list, &query) {
            Some(items) => serve::json(200, &json!({"items": items})),
            None => error(404, "NOT_FOUND", "no such list"),
        }
    }

    fn items(&self, list: &str, query: &Query) -> Option<Vec<Value>> {
        let of = |list: &List, view: &dyn Fn(&Value) -> Value| {
            page(list.newest_first(query.get("customer_id"), &query.window), query, view)
        };
        Some(match list {
            "customers" => page(self.customers(query), query, &listed_customer),
            "payments" => of(&self.payments, &|it| self.listed_payment(it)),
            "refunds" => of(&self.refunds, &listed_refund),
            "disputes" => of(&self.disputes, &listed_dispute),
            "subscriptions" => of(&self.subscriptions, &|it| self.listed_subscription(it)),
            _ => return None,
        })
    }

    fn customers(&self, query: &Query) -> impl Iterator<Item = &Value> {
        let email = query.get("email").map(str::to_lowercase);
        let is_it = |customer: &&Value| {
            let own = customer["email"].as_str().unwrap_or_default();
            email.as_ref().is_none_or(|email| own.to_lowercase() == *email)
                && query.window.holds(date(&customer["created_at"]))
        };
        let mut customers: Vec<_> = self.customers.values().filter(is_it).collect();
        customers.sort_by_cached_key(|customer| std::cmp::Reverse(date(&customer["created_at"])));
        customers.into_iter()
    }
}

/// One page of those that pass the filters, each as `view` shows it.
fn page<'a>(
    items: impl Iterator<Item = &'a Value>,
    query: &Query,
    view: &dyn Fn(&Value) -> Value,
) -> Vec<Value> {
    let skipped = query.page_number.saturating_mul(query.page_size);
    let filtered = items.filter(|item| query.passes(item));
    filtered.skip(skipped).take(query.page_size).map(view).collect()
}

fn invalid(name: &str) -> Response<ResponseBody> {
    error(422, "INVALID_QUERY_PARAMETERS", &format!("{name} is not valid"))
}

fn error(status: u16, code: &str, message: &str) -> Response<ResponseBody> {
    serve::json(status, &json!({"code": code, "message": message}))
}

fn with(
    mut response: Response<ResponseBody>,
    header: &'static str,
    value: impl TryInto<hyper::header::HeaderValue>,
) -> Response<ResponseBody> {
    if let Ok(value) = value.try_into() {
        response.headers_mut().insert(header, value);
    }
    response
}

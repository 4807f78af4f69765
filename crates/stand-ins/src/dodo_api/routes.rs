//! From a request to a response.

use super::list::{List, date};
use super::views::{listed_dispute, listed_refund};
use super::{RateLimit, State};
use crate::serve::{self, ResponseBody};
use hyper::body::Bytes;
use hyper::{Request, Response};
use reqwest::Url;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Items per page: the default and the maximum.
const PAGE_SIZES: [usize; 2] = [10, 100];

/// Fields that a list can be filtered by.
const FILTERS: [&str; 3] = ["status", "dispute_status", "subscription_id"];

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
        let mut query = Query::read(request);
        if self.ignores_filters {
            query.0.retain(|name, _| name.starts_with("page_"));
        }
        let path: Vec<_> = request.uri().path().trim_matches('/').split('/').collect();
        match self.object(&path).or_else(|| self.page(&path, &query)) {
            Some(found) => serve::json(200, &found),
            None => error(404, "NOT_FOUND", "no such object"),
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

    fn page(&self, path: &[&str], query: &Query) -> Option<Value> {
        let page = match path {
            ["customers"] => query.page(query.customers(self), Value::clone),
            ["payments"] => query.page(query.of(&self.payments), |it| self.listed_payment(it)),
            ["refunds"] => query.page(query.of(&self.refunds), listed_refund),
            ["disputes"] => query.page(query.of(&self.disputes), listed_dispute),
            ["subscriptions"] => {
                query.page(query.of(&self.subscriptions), |it| self.listed_subscription(it))
            }
            _ => return None,
        };
        Some(page)
    }
}

/// The decoded query of a request.
struct Query(HashMap<String, String>);

impl Query {
    fn read(request: &Request<Bytes>) -> Self {
        let url = Url::parse(&format!("http://localhost{}", request.uri()));
        Self(url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn filtered<'a>(&self, items: Vec<&'a Value>) -> Vec<&'a Value> {
        items.into_iter().filter(|item| self.passes(item)).collect()
    }

    fn of<'a>(&self, list: &'a List) -> Vec<&'a Value> {
        self.filtered(list.newest_first(self.get("customer_id")))
    }

    fn customers<'a>(&self, state: &'a State) -> Vec<&'a Value> {
        let email = self.get("email").map(str::to_lowercase);
        let is_it = |customer: &&Value| {
            let own = customer["email"].as_str().unwrap_or_default();
            email.as_ref().is_none_or(|email| own.to_lowercase() == *email)
        };
        let mut customers: Vec<_> = state.customers.values().filter(is_it).collect();
        customers.sort_by_key(|customer| std::cmp::Reverse(date(&customer["created_at"])));
        self.filtered(customers)
    }

    fn passes(&self, item: &Value) -> bool {
        let created = || date(&item["created_at"]);
        let bound = |name| date(&self.get(name)?.into());
        FILTERS.iter().all(|name| self.get(name).is_none_or(|wanted| item[*name] == *wanted))
            && bound("created_at_gte").is_none_or(|from| created() >= Some(from))
            && bound("created_at_lte").is_none_or(|to| created() <= Some(to))
    }

    /// One page of them, each as `view` shows it.
    fn page(&self, items: Vec<&Value>, view: impl Fn(&Value) -> Value) -> Value {
        let number =
            |name, default| self.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let size = number("page_size", PAGE_SIZES[0]).min(PAGE_SIZES[1]);
        let page = items.into_iter().skip(number("page_number", 0) * size).take(size);
        json!({"items": page.map(view).collect::<Vec<_>>()})
    }
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

//! The part of Dodo's API that the function uses: customers, and paged lists of payments and refunds. It
//! keeps state and fails on demand.

use super::fault::Faults;
use super::serve::{self, ResponseBody, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Items per page: the default and the maximum.
const PAGE_SIZES: [usize; 2] = [10, 100];

/// The running stand-in; it ends when dropped.
pub struct DodoApi {
    server: Server,
    memory: Memory,
}

#[derive(Clone)]
struct Memory(Arc<Mutex<State>>);

/// Its data, and the requests so far.
#[derive(Default)]
pub struct State {
    /// By their ids.
    pub customers: BTreeMap<String, Value>,
    /// Newest last.
    pub payments: Vec<Value>,
    /// The same.
    pub refunds: Vec<Value>,
    /// How the next requests fail.
    pub faults: Faults,
    /// Whether it ignores filters and lists the items of all customers.
    pub ignores_filters: bool,
    /// Path and query of every request.
    pub requests: Vec<String>,
    key: String,
}

impl DodoApi {
    /// Starts on a free port, for one API key.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(key: &str) -> io::Result<Self> {
        let state = State { key: key.to_owned(), ..State::default() };
        let memory = Memory(Arc::new(Mutex::new(state)));
        let server = serve::serve(0, memory.clone()).await?;
        Ok(Self { server, memory })
    }

    /// For `DODO_API_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Its data, and the requests so far.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.memory.lock()
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Memory {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        let fault = {
            let mut state = self.lock();
            state.requests.push(request.uri().to_string());
            state.faults.pop()
        };
        let process = || self.lock().process(&request);
        match fault {
            None => Ok(process()),
            Some(fault) => fault.apply(process).await,
        }
    }
}

impl State {
    /// Adds a customer.
    pub fn know(&mut self, customer_id: &str, email: &str, name: &str, created_at: &str) {
        let customer = json!({
            "business_id": "bus_sample",
            "customer_id": customer_id,
            "email": email,
            "name": name,
            "phone_number": null,
            "created_at": created_at,
            "metadata": {},
            "preferred_locale": null,
        });
        self.customers.insert(customer_id.to_owned(), customer);
    }

    /// Adds what an event is about: its payment or refund, and its customer.
    pub fn happened(&mut self, event: &Value) {
        let data = &event["data"];
        match event["type"].as_str().unwrap_or_default().split('.').next() {
            Some("payment") => replace(&mut self.payments, "payment_id", data),
            Some("refund") => replace(&mut self.refunds, "refund_id", data),
            _ => {}
        }
        let customer = &data["customer"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&customer["customer_id"]).or_else(|| text(&data["customer_id"]));
        let Some(id) = id.filter(|id| !self.customers.contains_key(id)) else { return };
        let email = text(&customer["email"]).unwrap_or_else(|| format!("{id}@example.com"));
        let name = text(&customer["name"]).unwrap_or_else(|| "Sam Sample".to_owned());
        self.know(&id, &email, &name, "2026-01-02T03:04:05.678901Z");
    }

    fn process(&mut self, request: &Request<Bytes>) -> Response<ResponseBody> {
        let header =
            request.headers().get("authorization").map(|header| header.as_bytes().to_vec());
        if header != Some(format!("Bearer {}", self.key).into_bytes()) {
            return serve::json(
                401,
                &json!({"code": "UNAUTHORIZED", "message": "invalid API key"}),
            );
        }
        let query = request.uri().query().unwrap_or_default();
        let mut query: HashMap<_, _> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        if self.ignores_filters {
            query.retain(|name, _| name.starts_with("page_"));
        }
        let path: Vec<_> = request.uri().path().trim_matches('/').split('/').collect();
        match path.as_slice() {
            ["customers", id] => match self.customers.get(*id) {
                Some(customer) => serve::json(200, customer),
                None => {
                    serve::json(404, &json!({"code": "NOT_FOUND", "message": "no such customer"}))
                }
            },
            ["customers"] => serve::json(200, &page(self.customers.values(), &query)),
            ["payments"] => serve::json(200, &page(self.payments.iter(), &query)),
            // Refunds are listed without their customer.
            ["refunds"] => {
                let mut page = page(self.refunds.iter(), &query);
                for refund in page["items"].as_array_mut().into_iter().flatten() {
                    if let Some(refund) = refund.as_object_mut() {
                        refund.remove("customer");
                    }
                }
                serve::json(200, &page)
            }
            _ => serve::json(404, &json!({"code": "NOT_FOUND", "message": "no such path"})),
        }
    }
}

fn replace(list: &mut Vec<Value>, id: &str, item: &Value) {
    list.retain(|known| known[id] != item[id]);
    list.push(item.clone());
}

/// One page of the items that match the filters, newest first.
fn page<'a>(
    items: impl DoubleEndedIterator<Item = &'a Value>,
    query: &HashMap<&str, &str>,
) -> Value {
    let number =
        |name, default| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let size = number("page_size", PAGE_SIZES[0]).min(PAGE_SIZES[1]);
    let passes = |item: &&Value| {
        let is = |filter, value: &Value| query.get(filter).is_none_or(|wanted| value == wanted);
        is("customer_id", &item["customer"]["customer_id"]) && is("status", &item["status"])
    };
    let found = items.rev().filter(passes).skip(number("page_number", 0) * size).take(size);
    json!({"items": found.collect::<Vec<_>>()})
}

//! The part of Dodo's API that the function and the backfill use: customers, products, and paged lists of
//! customers, payments, refunds, disputes and subscriptions. It keeps state, or shows a large [`Archive`]; it
//! limits rate and pages if it is told to, and fails on demand.

mod archive;
mod list;
mod page_cap;
mod query;
mod rate;
mod routes;
mod views;

pub use archive::{Archive, Totals};
pub use list::List;
pub use page_cap::{Beyond, PageCap};
pub use rate::RateLimit;

use super::fault::Faults;
use super::journal::{Journal, Service as Called};
use super::serve::{self, Server, Service, ServiceResult};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The running stand-in; it ends when dropped.
pub struct DodoApi {
    server: Server,
    memory: Memory,
}

#[derive(Clone)]
struct Memory(Arc<Mutex<State>>);

/// Its data, and the requests so far.
pub struct State {
    /// By their ids.
    pub customers: BTreeMap<String, Value>,
    /// By their ids.
    pub products: BTreeMap<String, Value>,
    /// Each with all that a webhook or `GET /payments/{id}` holds.
    pub payments: List,
    /// With their customers, which the API does not list.
    pub refunds: List,
    /// The same.
    pub disputes: List,
    /// Each with all that a webhook holds.
    pub subscriptions: List,
    /// None by default.
    pub rate_limit: Option<RateLimit>,
    /// By list, such as `payments`; none by default.
    pub page_caps: BTreeMap<&'static str, PageCap>,
    /// If there is one, the lists show it instead of what is in here.
    pub archive: Option<Archive>,
    /// What happens just before each request is processed.
    pub meanwhile: Option<Meanwhile>,
    /// How the next requests fail.
    pub faults: Faults,
    /// Whether it ignores filters and lists the items of all customers.
    pub ignores_filters: bool,
    /// Path and query of every request.
    pub requests: Vec<String>,
    key: String,
    journal: Journal,
}

/// Changes the data; pages then shift while they are read. The newest of the requests is the one that is
/// to be processed.
pub type Meanwhile = Box<dyn FnMut(&mut State) + Send>;

impl DodoApi {
    /// Starts on a free port, for one API key.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(key: &str) -> io::Result<Self> {
        Self::start_recorded(key, &Journal::default()).await
    }

    /// The same; requests are recorded in a journal.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start_recorded(key: &str, journal: &Journal) -> io::Result<Self> {
        let state = State { journal: journal.clone(), ..State::new(key) };
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
        let (call, fault) = {
            let mut state = self.lock();
            state.requests.push(request.uri().to_string());
            state.go_on();
            (state.journal.call(Called::DodoApi, &request), state.faults.pop())
        };
        let process = || self.lock().process(&request);
        let result = match fault {
            None => Ok(process()),
            Some(fault) => {
                call.fails(&fault.in_short());
                fault.apply(process).await
            }
        };
        call.responds(result).await
    }
}

impl State {
    fn new(key: &str) -> Self {
        Self {
            customers: BTreeMap::new(),
            products: BTreeMap::new(),
            payments: List::new("payment_id"),
            refunds: List::new("refund_id"),
            disputes: List::new("dispute_id"),
            subscriptions: List::new("subscription_id"),
            rate_limit: None,
            page_caps: BTreeMap::new(),
            archive: None,
            meanwhile: None,
            faults: Faults::default(),
            ignores_filters: false,
            requests: Vec::new(),
            key: key.to_owned(),
            journal: Journal::default(),
        }
    }

    fn go_on(&mut self) {
        if let Some(mut meanwhile) = self.meanwhile.take() {
            meanwhile(self);
            self.meanwhile.get_or_insert(meanwhile);
        }
    }

    /// How many requests each path got, such as `/payments` and `/payments/{id}`.
    pub fn requests_by_path(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in &self.requests {
            let path = request.split('?').next().unwrap_or_default();
            let mut parts = path.trim_start_matches('/').split('/');
            let list = parts.next().unwrap_or_default();
            let rest = parts.map(|_| "/{id}").collect::<String>();
            *counts.entry(format!("/{list}{rest}")).or_default() += 1;
        }
        counts
    }

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

    /// Adds a product; Dodo has some without a name.
    pub fn sell(&mut self, product_id: &str, name: Option<&str>) {
        let product = json!({
            "business_id": "bus_sample",
            "product_id": product_id,
            "name": name,
            "description": null,
            "image": null,
            "is_recurring": false,
            "price": {"type": "one_time_price", "price": 2900, "currency": "EUR"},
            "metadata": {},
            "created_at": "2026-01-02T03:04:05.678901Z",
        });
        self.products.insert(product_id.to_owned(), product);
    }

    /// Adds what an event is about, unless a newer event has said more of it; its customer; and its
    /// products, without names. Events may come in any order.
    pub fn happened(&mut self, event: &Value) {
        let (mut data, timestamp) = (event["data"].clone(), &event["timestamp"]);
        let group = event["type"].as_str().unwrap_or_default().split('.').next();
        if group == Some("dispute") && data["customer"].is_null() {
            data["customer"] = self.customer_of_payment(&data);
        }
        self.meet(&data);
        self.see_products(&data);
        match group {
            Some("payment") => self.payments.learn(data, timestamp),
            Some("refund") => self.refunds.learn(data, timestamp),
            Some("dispute") => self.disputes.learn(data, timestamp),
            Some("subscription") => self.subscriptions.learn(data, timestamp),
            _ => {}
        }
    }

    fn customer_of_payment(&self, data: &Value) -> Value {
        let payment = data["payment_id"].as_str().and_then(|id| self.payments.get(id));
        payment.map_or(Value::Null, |payment| payment["customer"].clone())
    }

    /// Adds the customer of an event if they are new.
    fn meet(&mut self, data: &Value) {
        let customer = &data["customer"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&customer["customer_id"]).or_else(|| text(&data["customer_id"]));
        let Some(id) = id.filter(|id| !self.customers.contains_key(id)) else { return };
        let email = text(&customer["email"]).unwrap_or_else(|| format!("{id}@example.com"));
        let name = text(&customer["name"]).unwrap_or_else(|| "Sam Sample".to_owned());
        self.know(&id, &email, &name, "2026-01-02T03:04:05.678901Z");
        if let (Some(known), Some(_)) =
            (self.customers.get_mut(&id), customer["metadata"].as_object())
        {
            known["metadata"] = customer["metadata"].clone();
        }
    }

    fn see_products(&mut self, data: &Value) {
        let cart = data["product_cart"].as_array().into_iter().flatten();
        let products = cart.chain([data]).filter_map(|item| item["product_id"].as_str());
        for product in products {
            if !self.products.contains_key(product) {
                self.sell(product, None);
            }
        }
    }
}

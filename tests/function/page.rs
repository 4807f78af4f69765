//! The page of `make dev` in a real browser: headless Chromium, driven by `chromedriver`.

use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};
use stand_ins::dodo::samples;
use stand_ins::front::Front;
use stand_ins::page::Page;
use stand_ins::serve::Server;
use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// A headless Chromium; it ends when dropped.
struct Browser {
    client: Client,
    session: String,
    _driver: Child,
}

/// Nothing here needs the network.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1360,900",
];

impl Browser {
    /// `None` if there is no `chromedriver`.
    async fn start() -> Option<Self> {
        let driver = which("chromedriver")?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(driver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let client = dodo_customerio::http::client();
        let base = format!("http://127.0.0.1:{port}/session");
        let options = json!({"args": ARGUMENTS});
        let capabilities = json!({"alwaysMatch": {"goog:chromeOptions": options}});
        let body = json!({ "capabilities": capabilities }).to_string();
        for _ in 0..100 {
            if let Ok(response) = client.post(&base).body(body.clone()).send().await {
                let response: Value =
                    serde_json::from_str(&response.text().await.unwrap()).unwrap();
                let id =
                    response["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{response}"));
                let session = format!("{base}/{id}");
                return Some(Self { client, session, _driver: process });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("ChromeDriver does not respond");
    }

    async fn try_post(&self, what: &str, body: Value) -> Result<Value, Value> {
        let url = format!("{}/{what}", self.session);
        let response = self.client.post(url).body(body.to_string()).send().await.unwrap();
        let response: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let value = response["value"].clone();
        if value.get("error").is_some() { Err(value["error"].clone()) } else { Ok(value) }
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        self.try_post(what, body).await.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    async fn open(&self, url: &str) {
        self.post("url", json!({ "url": url })).await;
    }

    async fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({"script": script, "args": []})).await
    }

    /// Clicks an element; retries if the page has just redrawn it, as a person would.
    async fn click(&self, selector: &str) {
        for _ in 0..10 {
            let wanted = json!({"using": "css selector", "value": selector});
            let found = self.post("element", wanted).await;
            let element = found.as_object().unwrap().values().next().unwrap().as_str().unwrap();
            match self.try_post(&format!("element/{element}/click"), json!({})).await {
                Ok(_) => return,
                Err(error) => assert_eq!(error, "stale element reference"),
            }
        }
        panic!("{selector} keeps changing");
    }

    /// Waits until an element shows a string.
    async fn shows(&self, selector: &str, text: &str) {
        let script = format!("return document.querySelector({})?.innerText ?? ''", json!(selector));
        let mut last = Value::Null;
        for _ in 0..100 {
            last = self.run(&script).await;
            if last.as_str().is_some_and(|shown| shown.contains(text)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{selector} shows {last}, not {text}");
    }

    async fn screenshot(&self) -> Vec<u8> {
        let response =
            self.client.get(format!("{}/screenshot", self.session)).send().await.unwrap();
        let response: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        STANDARD.decode(response["value"].as_str().unwrap()).unwrap()
    }

    async fn end(self) {
        drop(self.client.delete(&self.session).send().await);
    }
}

/// The page of a running world in a browser.
struct Shown {
    browser: Browser,
    world: World,
    /// Where webhooks come in.
    door: Server,
    _page: Server,
}

impl Shown {
    async fn start() -> Option<Self> {
        let Some(browser) = Browser::start().await else {
            let missing = "there is no chromedriver (Debian: chromium-driver)";
            let in_ci = env::var("CI").is_ok_and(|ci| !ci.is_empty());
            assert!(!in_ci, "{missing}");
            println!("skipped: {missing}");
            return None;
        };
        let world = World::start().await;
        let front = Front::default();
        front.lead_to(world.runtime());
        let door = front.serve(0).await.unwrap();
        let secret = &world.secret.credentials.webhook_secret;
        let page = Page::serve(0, &world.customerio, &front, secret).await.unwrap();
        browser.open(&format!("http://{}/", page.address)).await;
        Some(Self { browser, world, door, _page: page })
    }
}

fn which(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[tokio::test]
async fn the_page_sends_and_shows() {
    let Some(Shown { browser, world, door, _page }) = Shown::start().await else { return };
    browser.shows("#sample", "payment.succeeded").await;

    // Webhooks from outside the page, one of them with a wrong signature.
    let door = format!("http://{}/", door.address);
    let client = dodo_customerio::http::client();
    for name in ["subscription.active", "license_key.created", "payout.success"] {
        assert_eq!(world.webhook(name).post(&client, &door).await.unwrap().0, 200);
    }
    let mut webhook = world.webhook("payment.succeeded");
    webhook.signature = "v1,AAAA".to_owned();
    assert_eq!(webhook.post(&client, &door).await.unwrap().0, 401);
    browser.shows("#webhooks", "subscription.active").await;
    browser.shows("#webhooks", "401 unauthorized").await;

    browser.click("#send").await;
    browser.shows("#response", "delivered").await;
    browser.shows("#webhooks", "payment.succeeded").await;
    browser.shows("#people", "Ada Beispiel").await;
    browser.click("#people summary").await;
    browser.shows("#people", "last_payment_amount").await;
    browser.shows("#people", "Payment Completed").await;

    if let Some(path) = env::var_os("SCREENSHOT") {
        std::fs::write(path, browser.screenshot().await).unwrap();
    }

    // Edited JSON, with a name that would be markup if the page did not escape it.
    let edit = "const area = document.querySelector('#event'), event = JSON.parse(area.value);
                event.data.customer.name = '<img src=x onerror=\"document.title=1\">';
                event.data.total_amount = 4200; area.value = JSON.stringify(event)";
    browser.run(edit).await;
    browser.click("#send").await;
    browser.shows("#people", "<img src=x").await;
    browser.shows("#people", "42.00").await;
    assert_ne!(browser.run("return document.title").await, json!("1"));

    browser.run("document.querySelector('#event').value = '{'").await;
    browser.click("#send").await;
    browser.shows("#response", "not JSON").await;
    browser.end().await;
}

#[tokio::test]
async fn the_page_shows_a_full_demo_run() {
    let Some(Shown { browser, world, door, _page }) = Shown::start().await else { return };
    let (door, client) = (format!("http://{}/", door.address), dodo_customerio::http::client());
    let samples = samples();
    for sample in &samples {
        world.webhook(&sample.name).post(&client, &door).await.unwrap();
    }
    let last = samples.last().unwrap().event_type();
    browser.shows("#webhooks tr", last).await;
    let rows = browser.run("return document.querySelectorAll('#webhooks tr').length").await;
    assert_eq!(rows, json!(samples.len()));
    let people = browser.run("return document.querySelectorAll('#people details').length").await;
    assert_eq!(people, json!(world.customerio.state().people.profiles().len()));
    for text in ["200 delivered", "200 ignored", "payout.success", "loyalty.points_earned"] {
        browser.shows("#webhooks", text).await;
    }
    browser.click("#people details:nth-child(2) summary").await;
    browser.shows("#people details:nth-child(2)", "Subscription Renewed").await;
    browser.end().await;
}

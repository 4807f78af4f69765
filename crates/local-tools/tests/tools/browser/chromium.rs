//! A headless Chromium, driven by `chromedriver` as a person uses it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};
use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Nothing here needs the network.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How often something is looked for, and how many times: 20 s on a machine that is busy with other tests.
const INTERVAL: Duration = Duration::from_millis(50);
const TIMES: usize = 400;

/// Finds an element by a CSS selector or, if it begins with a slash, an `XPath`.
const FIND: &str = "const find = (wanted) => wanted.startsWith('/')
    ? document.evaluate(wanted, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue
    : document.querySelector(wanted);";

/// A running browser; it ends when dropped.
pub struct Browser {
    client: Client,
    runtime: Runtime,
    session: String,
    driver: Child,
}

impl Browser {
    /// `None` if there is no `chromedriver`, which in CI is a failure.
    pub fn start() -> Option<Self> {
        let program = chromedriver()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut driver = Command::new(program);
        driver.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut browser = Self {
            client: dodo_customerio::http::client(),
            runtime,
            session: format!("http://127.0.0.1:{port}/session"),
            driver: driver.spawn().unwrap(),
        };
        let options = json!({"args": ARGUMENTS});
        let capabilities = json!({"alwaysMatch": {"goog:chromeOptions": options}});
        let wanted = json!({ "capabilities": capabilities });
        let started = until(|| browser.request("", Some(&wanted)).ok());
        let id = started.expect("ChromeDriver responds")["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    /// Asks the driver: a POST if there is a body.
    fn request(&self, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let request = match body {
            Some(body) => self.client.post(url).body(body.to_string()),
            None => self.client.get(url),
        };
        let text = self.runtime.block_on(async { request.send().await?.text().await });
        let text = text.map_err(|error| error.to_string())?;
        let mut response: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        match &response["value"]["error"] {
            Value::Null => Ok(response["value"].take()),
            error => Err(format!("{error}: {}", response["value"]["message"])),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.request(path, Some(body)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// What a script returns; it may `await`.
    pub fn run(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; {FIND}
             (async () => {{ {script} }})().then(done, (error) => done(`failed: ${{error}}`))"
        );
        self.post("/execute/async", &json!({"script": script, "args": []}))
    }

    /// A command of Chromium's own protocol.
    fn chromium(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    /// How wide the window is, in CSS pixels.
    pub fn resize(&self, width: u32) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.chromium("Emulation.setDeviceMetricsOverride", &size);
    }

    /// What the system prefers: `dark` or `light`.
    pub fn prefer(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.chromium("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// Clicks an element as soon as it can be clicked.
    pub fn click(&self, wanted: &str) {
        self.on(wanted, "click", &json!({}));
    }

    /// Types into an element.
    pub fn fill(&self, wanted: &str, text: &str) {
        self.on(wanted, "clear", &json!({}));
        self.on(wanted, "value", &json!({ "text": text }));
    }

    fn on(&self, wanted: &str, what: &str, body: &Value) {
        let using = if wanted.starts_with('/') { "xpath" } else { "css selector" };
        let attempt = || -> Result<Value, String> {
            let found =
                self.request("/element", Some(&json!({"using": using, "value": wanted})))?;
            let id = found.as_object().and_then(|found| found.values().next()?.as_str());
            self.request(&format!("/element/{}/{what}", id.unwrap_or_default()), Some(body))
        };
        assert!(until(|| attempt().ok()).is_some(), "{what} {wanted}: {:?}", attempt());
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn keys(&self, keys: &str) {
        let key = |key| {
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        };
        let actions: Vec<_> = keys.chars().map(String::from).flat_map(key).collect();
        self.post(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}),
        );
    }

    pub fn accept_dialog(&self) {
        self.post("/alert/accept", &json!({}));
    }

    /// Waits until an element shows a string.
    pub fn shows(&self, wanted: &str, text: &str) {
        let is_shown = until(|| self.text(wanted).contains(text).then_some(())).is_some();
        assert!(is_shown, "{wanted} shows \"{}\", not \"{text}\"", self.text(wanted));
    }

    /// What an element shows; nothing if there is none.
    pub fn text(&self, wanted: &str) -> String {
        let text = self.run(&format!("return find({})?.innerText ?? ''", json!(wanted)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until there are so many elements.
    pub fn has(&self, count: u64, selector: &str) {
        let is_so = || (self.count(selector) == count).then_some(());
        assert!(until(is_so).is_some(), "{} of {selector}", self.count(selector));
    }

    /// How many elements there are.
    pub fn count(&self, selector: &str) -> u64 {
        let script = format!("return document.querySelectorAll({}).length", json!(selector));
        self.run(&script).as_u64().unwrap_or_default()
    }

    /// A PNG of what is in view.
    pub fn screenshot(&self) -> Vec<u8> {
        STANDARD.decode(self.request("/screenshot", None).unwrap().as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.client.delete(&self.session).send());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn chromedriver() -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut paths = env::split_paths(&folders).map(|folder| folder.join("chromedriver"));
    let found = paths.find(|path| path.is_file());
    if found.is_none() {
        let missing = "there is no chromedriver (Debian: chromium-driver)";
        let in_ci = env::var("CI").is_ok_and(|ci| !ci.is_empty());
        assert!(!in_ci, "{missing}");
        println!("skipped: {missing}");
    }
    found
}

/// Tries until there is something.
fn until<T>(attempt: impl Fn() -> Option<T>) -> Option<T> {
    (0..TIMES).find_map(|_| {
        attempt().or_else(|| {
            sleep(INTERVAL);
            None
        })
    })
}

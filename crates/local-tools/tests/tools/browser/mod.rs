//! The page of `make dev` in a real browser, as a person clicks through it.

mod accessible;
mod chromium;
mod explain;
mod history;
mod replay;
mod transforms;

use crate::running::Dev;
use chromium::Browser;
use serde_json::json;
use std::ops::Deref;

/// A wide window, and one as narrow as a telephone.
const WIDTHS: [u32; 2] = [1280, 380];

/// The page of a `make dev` of its own.
pub struct Page {
    browser: Browser,
    pub dev: Dev,
}

impl Deref for Page {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Page {
    /// `None` without a browser.
    fn start(arguments: &[&str]) -> Option<Self> {
        let browser = Browser::start()?;
        let dev = Dev::start(arguments, &[]);
        browser.open(&dev.page);
        Some(Self { browser, dev })
    }

    /// Follows a link or presses a button by what it says.
    fn press(&self, words: &str) {
        self.click(&format!("//*[self::a or self::button][normalize-space()='{words}']"));
    }

    fn choose(&self, select: &str, option: &str) {
        self.click(&format!("//select[@id='{select}' or @name='{select}']/option[.='{option}']"));
    }

    /// Sends a sample and waits until its webhook is opened.
    fn send(&self, sample: &str) {
        self.press("Send");
        self.choose("sample", sample);
        self.shows_value("#event", &format!("\"type\": \"{sample}\""));
        self.click("#send");
        self.shows("#opened h3", "Arrived");
    }

    /// Waits until what is in a control contains a string.
    fn shows_value(&self, control: &str, text: &str) {
        let script = format!(
            "for (let times = 0; times < 200; times += 1) {{
               if (find({})?.value.includes({})) return true;
               await new Promise((resolve) => setTimeout(resolve, 50));
             }}",
            json!(control),
            json!(text)
        );
        assert_eq!(self.run(&script), json!(true), "{text} in {control}");
    }

    /// Clears the history, as a person who is asked whether that is meant.
    fn clear(&self) {
        self.press("Webhooks");
        self.press("Clear history");
        self.accept_dialog();
        self.shows("#count", "No webhooks yet.");
    }
}

/// One of the steps of the opened webhook.
fn step(title: &str) -> String {
    format!("//ol[@class='steps']/li[h3='{title}']")
}

/// What a person does, in a wide and in a narrow window, each time from an empty history.
fn at_both_widths(arguments: &[&str], scenario: impl Fn(&mut Page)) {
    let Some(mut page) = Page::start(arguments) else { return };
    for width in WIDTHS {
        page.resize(width);
        scenario(&mut page);
        page.clear();
    }
}

//! Calls a file's function and reads what it made.

use super::failure::{Deadline, Stop};
use super::{Failure, Kind, MAX_MADE, METHOD, Outgoing, Run, undefined};
use rquickjs::{Array, Coerced, Ctx, Function, Object, Value};

/// An expression for what a file defines: `handler`, then `extend`.
pub(super) const FOUND: &str = "[typeof handler === 'function' ? handler : undefined, \
                                 typeof extend === 'function' ? extend : undefined]";

/// The function that a file defines, by the value of [`FOUND`].
pub(super) fn defined<'js>(found: &Array<'js>) -> Result<(Kind, Function<'js>), Stop> {
    match (found.get::<Option<Function>>(0)?, found.get::<Option<Function>>(1)?) {
        (Some(handler), None) => Ok((Kind::Handler, handler)),
        (None, Some(extend)) => Ok((Kind::Extend, extend)),
        (None, None) => Err(saying(
            "there is no `function handler(webhook)` and no `function extend(request, webhook)`",
        )),
        (Some(_), Some(_)) => {
            Err(saying("it has both `handler` and `extend`; give each a file of its own"))
        }
    }
}

fn saying(message: impl Into<String>) -> Stop {
    Failure::saying(message).into()
}

/// What a function is called with. Reading what it made may run its code too.
pub(super) struct Call<'c, 'js> {
    pub(super) ctx: &'c Ctx<'js>,
    pub(super) webhook: Object<'js>,
    pub(super) deadline: &'c Deadline,
    /// Where to note what came out `undefined`, if anybody wants to know.
    pub(super) undefined: Option<&'c mut Vec<String>>,
}

impl<'js> Call<'_, 'js> {
    /// `url` and `payload`, which is JSON, are those of the webhook before it.
    pub(super) fn handler(
        self,
        handler: Function<'js>,
        url: &str,
        payload: &str,
    ) -> Result<Run, Stop> {
        let returned = self.settled(handler.call((self.webhook.clone(),))?)?;
        let no_webhook = "handler returned no webhook; it must end with: return webhook";
        let webhook = returned.as_object().ok_or_else(|| saying(no_webhook))?;
        if webhook.get::<_, Coerced<bool>>("cancel")?.0 {
            return Ok(Run::Cancelled);
        }
        let made = outgoing(self.ctx, webhook, url)?;
        if made.url == url && made.payload == rewritten(self.ctx, payload)? {
            return Ok(Run::Untouched);
        }
        within(made.url.len() + made.method.len() + made.headers.len() + made.payload.len())?;
        if let Some(found) = self.undefined {
            undefined::note(&webhook.get("payload")?, found)?;
        }
        Ok(Run::Made(made))
    }

    /// Without a request, there is nothing to extend.
    pub(super) fn extend(self, extend: Function<'js>, request: Option<&str>) -> Result<Run, Stop> {
        let Some(request) = request else { return Ok(Run::Untouched) };
        let request = self.ctx.json_parse(request)?;
        let returned = self.settled(extend.call((request, self.webhook.clone()))?)?;
        if returned.is_null() || self.webhook.get::<_, Coerced<bool>>("cancel")?.0 {
            return Ok(Run::Dropped);
        }
        if !returned.is_object() {
            return Err(saying(
                "extend returned no request; it must end with: return request, or with: return \
                 null, to send nothing",
            ));
        }
        let extended = stringify(self.ctx, &returned)?;
        within(extended.len())?;
        if let Some(found) = self.undefined {
            undefined::note(&returned, found)?;
        }
        Ok(Run::Extended(extended))
    }

    /// What an `async` function's promise comes to; there is nothing to wait for but its own jobs.
    fn settled(&self, value: Value<'js>) -> Result<Value<'js>, Stop> {
        let Some(promise) = value.as_promise() else { return Ok(value) };
        loop {
            if let Some(result) = promise.result::<Value>() {
                return Ok(result?);
            }
            if self.deadline.has_passed() {
                return Err(saying("it took too long"));
            }
            if !self.ctx.execute_pending_job() {
                return Err(saying("it returned a promise that nothing will settle"));
            }
        }
    }
}

fn within(size: usize) -> Result<(), Stop> {
    if size <= MAX_MADE {
        return Ok(());
    }
    Err(saying(format!("it made {size} bytes, more than {} MiB", MAX_MADE / 1024 / 1024)))
}

/// The fields of the returned webhook. What it does not have is as it was.
fn outgoing<'js>(ctx: &Ctx<'js>, webhook: &Object<'js>, url: &str) -> Result<Outgoing, Stop> {
    let string = |name: &str, default: &str| {
        if !webhook.contains_key(name)? {
            return Ok(default.to_owned());
        }
        let no_text = || saying(format!("webhook.{name} must be a string"));
        text(ctx, &webhook.get(name)?).ok_or_else(no_text)
    };
    Ok(Outgoing {
        url: string("url", url)?,
        method: string("method", METHOD)?,
        headers: stringify(ctx, &webhook.get("headers")?)?,
        payload: stringify(ctx, &webhook.get("payload")?)?,
    })
}

/// JSON as the engine writes it.
fn rewritten(ctx: &Ctx<'_>, json: &str) -> rquickjs::Result<String> {
    stringify(ctx, &ctx.json_parse(json)?)
}

/// The text of a string; half a character becomes U+FFFD.
pub(super) fn text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Option<String> {
    let text = value.as_string()?.to_string();
    text.or_else(|error| serde_json::from_str(&stringify(ctx, value)?).map_err(|_| error)).ok()
}

/// A value as JSON; what JSON has no word for is `null`.
pub(super) fn stringify<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<String> {
    let text = ctx.json_stringify(value.clone())?;
    text.map_or_else(|| Ok("null".to_owned()), |text| Ok(with_whole_characters(text.to_string()?)))
}

/// The engine writes each half of a character that a file has cut in two as an escape (`\ud83d`), and whole
/// ones as they are. Nobody else can read halves.
fn with_whole_characters(mut json: String) -> String {
    let mut from = 0;
    while let Some(at) = json[from..].find('\\').map(|at| from + at) {
        let is_half =
            |digits: &str| (0xd800..0xe000).contains(&u32::from_str_radix(digits, 16).unwrap_or(0));
        if json[at..].starts_with("\\u") && json.get(at + 2..at + 6).is_some_and(is_half) {
            json.replace_range(at + 2..at + 6, "fffd");
        }
        from = at + 2;
    }
    json
}

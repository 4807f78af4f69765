//! Renders Liquid as Customer.io's latest version should, with only the tags and filters that the recipes
//! use. Whatever is unknown is an error.

use super::Vocabulary;
use ::liquid::{Parser, ParserBuilder};
use liquid_core::model::{DateTime, Object, Value, ValueView};
use liquid_core::{
    Display_filter, Error, Expression, Filter, FilterParameters, FilterReflection,
    FromFilterParameters, ParseFilter, Result, Runtime,
};
use liquid_lib::stdlib;
use serde_json::Map;
use std::sync::LazyLock;

/// What the recipes use of the filters in Customer.io's list; docs/campaigns.md says how each was checked.
pub const FILTERS: [&str; 4] = ["append", "date", "default", "escape"];

/// The same for tags; those that end a block apart.
pub const TAGS: [&str; 5] = ["if", "elsif", "else", "for", "unless"];

static PARSER: LazyLock<Parser> = LazyLock::new(|| {
    let parser = ParserBuilder::new();
    let parser = parser.block(stdlib::IfBlock).block(stdlib::UnlessBlock).block(stdlib::ForBlock);
    let parser = parser.filter(stdlib::Append).filter(stdlib::Default).filter(stdlib::Escape);
    parser.filter(Date).build().expect("a parser without partials")
});

/// A mail as a person gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// HTML.
    pub body: String,
}

/// Renders a template with an event's and a person's attributes. An attribute that is absent may only be
/// asked for (`if`) or have a `default`; to print it is an error, since Customer.io then sends nothing.
///
/// # Errors
/// What is wrong with it.
pub fn render(
    template: &str,
    event: &Map<String, serde_json::Value>,
    customer: &Map<String, serde_json::Value>,
    vocabulary: &Vocabulary,
) -> std::result::Result<String, String> {
    let parsed = PARSER.parse(template).map_err(|error| sentence(&error))?;
    let mut globals = Object::new();
    for (scope, attributes) in [("event", event), ("customer", customer)] {
        let mut known = liquid(attributes, vocabulary);
        for name in with_default(template, scope) {
            known.entry(name).or_insert(Value::Nil);
        }
        globals.insert(scope.into(), Value::Object(known));
    }
    parsed.render(&globals).map_err(|error| sentence(&error))
}

/// The first line of a template that cannot be read, from 0, and why.
pub fn syntax_error(template: &str) -> Option<(usize, String)> {
    let error = PARSER.parse(template).err()?.to_string();
    let place = error.split("--> ").nth(1).and_then(|rest| rest.split(':').next());
    let line: usize = place.and_then(|line| line.parse().ok()).unwrap_or(1);
    let mut why =
        error.lines().map(|it| it.trim_start_matches([' ', '|', '='])).filter(|it| !it.is_empty());
    Some((line - 1, why.next_back().unwrap_or_default().to_owned()))
}

/// The engine's message on one line; an absent attribute in our own words.
fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let requested =
        text.split("requested index=").nth(1).or(text.split("requested variable=").nth(1));
    match requested.and_then(|rest| rest.lines().next()) {
        Some(name) => format!("{name} is absent, and it is printed without a default"),
        None => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// Objects in lists get the fields that they lack: a `default` may stand for them.
fn liquid(attributes: &Map<String, serde_json::Value>, vocabulary: &Vocabulary) -> Object {
    let value = |name: &str, value: &serde_json::Value| {
        let mut value: Value = liquid_core::to_value(value).unwrap_or(Value::Nil);
        if let Value::Array(items) = &mut value {
            for object in items.iter_mut().filter_map(Value::as_object_mut) {
                for field in vocabulary.fields_of(name) {
                    object.entry(field.clone()).or_insert(Value::Nil);
                }
            }
        }
        value
    };
    attributes.iter().map(|(name, it)| (name.clone().into(), value(name, it))).collect()
}

/// Attributes of a scope that are always followed or preceded by a `default` where they are printed.
fn with_default(template: &str, scope: &str) -> Vec<String> {
    let expressions = template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let (safe, bare): (Vec<&str>, Vec<&str>) =
        expressions.partition(|expression| expression.contains("default:"));
    let names = |expressions: &[&str]| -> Vec<String> {
        expressions.iter().flat_map(|it| names_in(it, scope)).collect()
    };
    let bare = names(&bare);
    names(&safe).into_iter().filter(|name| !bare.contains(name)).collect()
}

/// `event.name` in an expression, without the scope.
pub fn names_in(expression: &str, scope: &str) -> Vec<String> {
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '.';
    let words = expression.split(|it| !is_word(it));
    let names = words.filter_map(|word| word.strip_prefix(scope)?.strip_prefix('.'));
    names.map(|name| name.split('.').next().unwrap_or(name).to_owned()).collect()
}

#[derive(Debug, FilterParameters)]
struct DateArguments {
    #[parameter(description = "The format, as of strftime.", arg_type = "str")]
    format: Expression,
}

/// As at Customer.io: of Unix seconds or of a date as a string, in UTC. The engine's own leaves a number
/// as it is.
#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(
    name = "date",
    description = "Writes a time in words.",
    parameters(DateArguments),
    parsed(DateFilter)
)]
struct Date;

#[derive(Debug, FromFilterParameters, Display_filter)]
#[name = "date"]
struct DateFilter {
    #[parameters]
    arguments: DateArguments,
}

impl Filter for DateFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let arguments = self.arguments.evaluate(runtime)?;
        let time = input.as_scalar().and_then(|scalar| match scalar.to_integer() {
            Some(seconds) => at(seconds),
            None => DateTime::from_str(&format!("{} 00:00:00 +0000", scalar.to_kstr())),
        });
        let time = time.ok_or_else(|| Error::with_msg(format!("no date: {}", input.render())))?;
        let unknown = |_| Error::with_msg(format!("no date format: {}", arguments.format));
        Ok(Value::scalar(time.format(arguments.format.as_str()).map_err(unknown)?))
    }
}

fn at(seconds: i64) -> Option<DateTime> {
    let time = time::UtcDateTime::from_unix_timestamp(seconds).ok()?;
    let (hour, minute, second) = time.as_hms();
    DateTime::from_str(&format!("{} {hour:02}:{minute:02}:{second:02} +0000", time.date()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(template: &str) -> std::result::Result<String, String> {
        let event = json!({
            "at": 1_797_758_098, "name": "<b>", "products": [{"product_id": "pdt_1"}], "year": "2031"
        });
        let (event, customer) = (event.as_object().unwrap(), &Map::new());
        render(template, event, customer, &Vocabulary::read())
    }

    #[test]
    fn dates_are_in_words_and_in_utc() {
        let template = r#"{{ event.at | date: "%B %-d, %Y, %H:%M" }}"#;
        assert_eq!(rendered(template).unwrap(), "December 20, 2026, 09:14");
        let template = r#"{{ event.year | append: "-07-01" | date: "%s" }}"#;
        assert_eq!(rendered(template).unwrap(), "1940630400");
    }

    #[test]
    fn what_is_absent_needs_a_default_or_an_if() {
        let there = r#"{{ event.nick | default: customer.name | default: "there" | escape }}"#;
        assert_eq!(rendered(there).unwrap(), "there");
        assert_eq!(rendered("{% if event.nick %}{{ event.nick }}{% endif %}-").unwrap(), "-");
        assert_eq!(rendered("{{ event.name | default: \"x\" | escape }}").unwrap(), "&lt;b&gt;");
        assert!(rendered("{{ event.nick }}").unwrap_err().contains("nick"));
        let mixed = format!("{there}{{{{ event.nick }}}}");
        assert!(rendered(&mixed).unwrap_err().contains("nick"));
    }

    #[test]
    fn unknown_filters_and_tags_are_errors() {
        assert!(rendered("{{ event.name | money }}").is_err());
        assert!(rendered("{% money %}").is_err());
        assert!(rendered("{{ nobody }}").is_err());
    }

    #[test]
    fn objects_in_lists_have_all_their_fields() {
        let template =
            "{% for it in event.products %}{{ it.name | default: it.product_id }}{% endfor %}";
        assert_eq!(rendered(template).unwrap(), "pdt_1");
    }
}

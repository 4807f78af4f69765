//! What is wrong with a command, as a sentence for whoever typed it to make.

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error;
use std::fmt::Display;
use std::panic::PanicHookInfo;
use std::str::FromStr;

/// The arguments of this program; it ends here if they cannot be used.
pub fn parse<T: Parser>() -> Result<T, String> {
    T::try_parse().map_err(|error| match sentence(&error) {
        Some(sentence) => sentence,
        None => error.exit(),
    })
}

/// An argument is named like the variable of the Makefile that it comes from: `--page-port <PAGE_PORT>`.
fn sentence(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let (argument, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let name = argument[argument.find(['<', '['])?..].trim_matches(['<', '>', '[', ']']);
    Some(format!("{name}={value} cannot be used: {}.", error.source()?))
}

/// A number within bounds, or what it must be.
pub fn number<T: FromStr + PartialOrd + Display>(
    text: &str,
    least: T,
    most: T,
) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| *number >= least && *number <= most);
    number.ok_or_else(|| format!("it must be a number from {least} to {most}"))
}

/// A port of this machine; 0 takes a free one.
pub fn port(text: &str) -> Result<u16, String> {
    number(text, 0, u16::MAX)
}

/// A panic is a mistake of ours, and a backtrace tells a user nothing.
pub fn report_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("it says nothing");
    // The reader has closed the pipe, as `head` does.
    if text.contains("Broken pipe") {
        return;
    }
    let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
    eprintln!(
        "This is a mistake of the tool, not yours: {text}{place}. Please report it, with the command that you typed."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[arg(long, value_parser = port)]
        page_port: Option<u16>,
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named_as_make_names_it() {
        for value in ["abc", "-1", "65536", "9000.5", ""] {
            let error = Command::try_parse_from(["x", &format!("--page-port={value}")]);
            let sentence = sentence(&error.unwrap_err()).unwrap();
            let wanted =
                format!("PAGE_PORT={value} cannot be used: it must be a number from 0 to 65535.");
            assert_eq!(sentence, wanted);
        }
        let parsed = Command::try_parse_from(["x", "--page-port=9001"]).unwrap();
        assert_eq!(parsed.page_port, Some(9001));
    }
}

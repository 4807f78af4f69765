//! Which event somebody means: a sample's name, a path, or standard input.

use dodo_customerio::transform::built_in::is_near;
use stand_ins::dodo::{self, OWN, Sample};
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// Standard input, as in many tools.
const STANDARD_INPUT: &str = "-";

/// Reads the event that `given` names.
///
/// # Errors
/// What to type instead, or what is wrong with the event.
pub fn event(given: &str) -> Result<Sample, String> {
    let given = given.trim();
    if given == STANDARD_INPUT {
        let text = io::read_to_string(io::stdin()).map_err(|error| unread(&error));
        let parsed = text.and_then(|text| Sample::parse("standard input", &text));
        return parsed.map_err(|problem| format!("What came in by standard input {problem}"));
    }
    let names = dodo::names();
    match named(given, &names) {
        Some(name) => dodo::sample(name),
        None if looks_like_a_path(given) => file(Path::new(given)),
        None => Err(unknown(given, &names)),
    }
}

/// The sample of a name, with or without `events/`, `own/` and `.json`.
fn named<'n>(given: &str, names: &'n [String]) -> Option<&'n str> {
    let name = given.strip_prefix("./").unwrap_or(given);
    let name = name.strip_prefix("events/").unwrap_or(name);
    let name = name.strip_suffix(".json").unwrap_or(name);
    let own = format!("{OWN}/{name}");
    let find = |name: &str| names.iter().find(|known| *known == name).map(String::as_str);
    find(name).or_else(|| find(&own))
}

fn looks_like_a_path(given: &str) -> bool {
    given.contains('/')
        || Path::new(given).extension().is_some_and(|extension| extension == "json")
        || Path::new(given).is_file()
}

fn file(path: &Path) -> Result<Sample, String> {
    const TAKES: &str = "EVENT takes a sample's name (`ls events` shows them), a path from the \
                         project's folder, or - for standard input.";
    let shown = path.display();
    let text = read(path).map_err(|error| match error.kind() {
        _ if path.is_dir() => format!("{shown} is a folder. {TAKES}"),
        io::ErrorKind::NotFound if path.is_symlink() => {
            format!("{shown} is a link to a file that is not there. {TAKES}")
        }
        io::ErrorKind::NotFound => format!("There is no file {shown}. {TAKES}"),
        _ => format!("{shown} {}", unread(&error)),
    })?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    Sample::parse(&name, &text).map_err(|problem| format!("{shown} {problem}"))
}

/// Why a text was not read, as the rest of a sentence.
fn unread(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData => "is not UTF-8 text. Save it as UTF-8.".to_owned(),
        _ => format!("cannot be read ({error})."),
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

fn unknown(given: &str, names: &[String]) -> String {
    let suggestion = nearest(given, names).map(|name| format!(" The nearest is {name}."));
    format!(
        "There is no sample named {given}.{} `ls events` shows all; EVENT also takes a path, or - for \
         standard input.",
        suggestion.unwrap_or_default()
    )
}

/// The most similar name, if it is similar; those that contain what was given come first, then those of the same group.
fn nearest<'n>(given: &str, names: &'n [String]) -> Option<&'n String> {
    // As somebody would write who has the event's name before their eyes: "Payment Failed".
    let given = given.to_lowercase().replace(' ', ".");
    let group = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let own = group(&given);
    let nearest = names.iter().min_by_key(|name| {
        let distance = strsim::damerau_levenshtein(&given, name);
        (!name.contains(&given), group(name) != own, distance, name.len())
    });
    nearest.filter(|name| name.contains(&given) || is_near(&given, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        let names =
            ["payment.failed", "payment.succeeded", "payout.success", "refund.failed", "own/mine"];
        names.map(str::to_owned).into()
    }

    #[test]
    fn a_sample_is_found_by_its_name_or_its_file() {
        for given in [
            "payment.succeeded",
            "payment.succeeded.json",
            "events/payment.succeeded.json",
            "./events/payment.succeeded.json",
        ] {
            assert_eq!(named(given, &names()), Some("payment.succeeded"), "{given}");
        }
        for given in ["mine", "own/mine", "events/own/mine.json"] {
            assert_eq!(named(given, &names()), Some("own/mine"), "{given}");
        }
        assert_eq!(named("/tmp/payment.succeeded.json", &names()), None);
    }

    #[test]
    fn an_unknown_name_gets_the_nearest() {
        for (given, expected) in [
            ("payment.succeded", "payment.succeeded"),
            ("payment.fialed", "payment.failed"),
            ("Payment Failed", "payment.failed"),
            ("refund", "refund.failed"),
            ("payment.success", "payment.succeeded"),
        ] {
            let text = event(given).unwrap_err();
            assert!(text.starts_with(&format!("There is no sample named {given}.")), "{text}");
            assert_eq!(nearest(given, &names()).unwrap(), expected, "{given}");
        }
        let nonsense = event("qwertyuiop").unwrap_err();
        assert!(nonsense.starts_with("There is no sample named qwertyuiop. `ls"), "{nonsense}");
        assert!(event("payment.fialed").unwrap_err().contains("The nearest is payment.failed."));
    }

    #[test]
    fn a_path_is_read_and_what_is_wrong_with_it_is_said() {
        let path = std::env::temp_dir().join(format!("{}.json", dodo::random_hex()));
        let given = path.to_str().unwrap();
        assert!(event(given).unwrap_err().starts_with(&format!("There is no file {given}.")));
        for (text, problem) in [
            ("{", "is not JSON: "),
            ("[]", "is no event of Dodo's. The body has no \"type\"."),
            (r#"{"type":"a.b"}"#, "is no event of Dodo's. The body has no \"data\" object."),
        ] {
            fs::write(&path, text).unwrap();
            let error = event(given).unwrap_err();
            assert!(error.starts_with(&format!("{given} {problem}")), "{error}");
        }
        fs::write(&path, b"\"\xff\"").unwrap();
        assert_eq!(
            event(given).unwrap_err(),
            format!("{given} is not UTF-8 text. Save it as UTF-8.")
        );
        // Some editors begin a file with a byte order mark.
        for mark in ["", "\u{feff}"] {
            fs::write(&path, format!(r#"{mark}{{"type":"a.b","data":{{}}}}"#)).unwrap();
            assert_eq!(event(given).unwrap().event_type(), "a.b");
        }
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/never/there", &path).unwrap();
        let link = event(given).unwrap_err();
        fs::remove_file(&path).unwrap();
        assert!(link.starts_with(&format!("{given} is a link to a file that is not")), "{link}");
        assert!(event("events").unwrap_err().contains("There is no sample named events."));
        assert!(event("/").unwrap_err().starts_with("/ is a folder. EVENT takes"));
    }
}

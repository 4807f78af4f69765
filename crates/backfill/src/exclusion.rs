use crate::Error;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// People who are left out, by an id or an address, with the line that names each first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusion(BTreeMap<String, usize>);

impl Exclusion {
    /// Reads a file with one id or address a line. A `#` begins a comment, at the beginning of a line or after a
    /// space. Quotes around an entry and separators behind it are dropped.
    ///
    /// # Errors
    /// If it cannot be read, or lines are not one id or address.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| {
            Error::setting(format!(
                "The file of EXCLUDE (--exclude), {}, cannot be read ({error}).",
                path.display()
            ))
        })?;
        Self::parse(&text).map_err(|lines| {
            Error::setting(format!(
                "The file of EXCLUDE (--exclude) must have one id or address a line: see {}. Separate them, or put \
                 an id with spaces or commas in quotes.",
                numbered(&lines)
            ))
        })
    }

    /// The numbers of lines that cannot be read are the error.
    fn parse(text: &str) -> Result<Self, Vec<usize>> {
        let (mut entries, mut wrong) = (BTreeMap::new(), Vec::new());
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            match entry(line) {
                Ok("") => {}
                Ok(name) => drop(entries.entry(canonical(name)).or_insert(number)),
                Err(()) => wrong.push(number),
            }
        }
        if wrong.is_empty() { Ok(Self(entries)) } else { Err(wrong) }
    }

    /// Whether this id or address is left out.
    pub fn contains(&self, name: &str) -> bool {
        self.line(name).is_some()
    }

    /// The line that names this id or address.
    pub fn line(&self, name: &str) -> Option<usize> {
        if self.is_empty() { None } else { self.0.get(&canonical(name)).copied() }
    }

    /// The lines of all entries, each once.
    pub fn lines(&self) -> impl Iterator<Item = usize> {
        self.0.values().copied()
    }

    /// Whether nobody is left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a line names; nothing if it is empty or a comment.
fn entry(line: &str) -> Result<&str, ()> {
    let comment = line.match_indices('#').map(|(position, _)| position);
    let mut comment =
        comment.filter(|at| line[..*at].chars().next_back().is_none_or(char::is_whitespace));
    let text = line[..comment.next().unwrap_or(line.len())].trim();
    let text = text.trim_end_matches(|it: char| it == ',' || it == ';' || it.is_whitespace());
    let quoted =
        ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    let is_separator = |it: char| it.is_whitespace() || matches!(it, ',' | ';' | '"');
    match quoted {
        Some(name) if !name.contains('"') => Ok(name.trim()),
        None if !text.contains(is_separator) => Ok(text),
        _ => Err(()),
    }
}

/// "line 3", or "lines 3, 4 and 7".
pub fn numbered(lines: &[usize]) -> String {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    match lines.as_slice() {
        [one] => format!("line {one}"),
        [others @ .., last] => format!("lines {} and {last}", others.join(", ")),
        [] => "no line".to_owned(),
    }
}

/// Customer.io does not tell case apart in addresses.
fn canonical(name: &str) -> String {
    if name.contains('@') { name.to_lowercase() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_left_out_in_any_case_and_ids_as_they_are() {
        let text = "\u{feff}# deleted\n Ada@Example.com # in 2025\n\ncus_1\r\n";
        let excluded = Exclusion::parse(text).unwrap();
        assert!(excluded.contains("ada@example.COM") && excluded.contains("cus_1"));
        assert!(!excluded.contains("CUS_1") && !excluded.contains("# deleted"));
        assert_eq!(excluded.lines().collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn what_spreadsheets_add_is_dropped_and_what_is_unclear_is_refused() {
        let text = "\"ada@example.com\",\n'cus_1';\ncus_2 ,\n\"my, id\"\nid#1\n,\n";
        let excluded = Exclusion::parse(text).unwrap();
        for name in ["ada@example.com", "cus_1", "cus_2", "my, id", "id#1"] {
            assert!(excluded.contains(name), "{name} in {excluded:?}");
        }
        let wrong = "cus_1\ncus_2, cus_3\nada@example.com 2025\n\"cus_4\n\"a\",\"b\"";
        assert_eq!(Exclusion::parse(wrong), Err(vec![2, 3, 4, 5]));
        assert_eq!(numbered(&[2, 3, 5]), "lines 2, 3 and 5");
    }
}

use crate::Error;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// People who are left out, by an id or an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusion(BTreeSet<String>);

impl Exclusion {
    /// Reads a file with one id or address a line; what follows a `#` at the beginning of a line is a comment.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| {
            Error::setting(format!(
                "The file of --exclude, {}, cannot be read ({error}).",
                path.display()
            ))
        })?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        Self(
            lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(canonical)
                .collect(),
        )
    }

    /// Whether this id or address is left out.
    pub fn contains(&self, name: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&canonical(name))
    }

    /// How many lines it had, each once.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        let excluded = Exclusion::parse("\u{feff}# deleted\n Ada@Example.com \n\ncus_1\r\n");
        assert!(excluded.contains("ada@example.COM") && excluded.contains("cus_1"));
        assert!(!excluded.contains("CUS_1") && !excluded.contains("# deleted"));
        assert_eq!(excluded.len(), 2);
    }
}

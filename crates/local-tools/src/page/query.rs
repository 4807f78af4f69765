//! The query of a URL.

use reqwest::Url;

/// Its names and values, decoded.
pub fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    let url = Url::parse(&format!("http://localhost/?{}", query.unwrap_or_default()));
    url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}

/// The value of one name, unless it is blank.
pub fn value(query: Option<&str>, name: &str) -> Option<String> {
    let found = pairs(query).into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value).filter(|value| !value.trim().is_empty())
}

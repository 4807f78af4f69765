//! The page's own files, from `crates/local-tools/page`: read at each request, so that a change shows at once.

use hyper::Response;
use stand_ins::project::project_file;
use stand_ins::serve::{self, ResponseBody};
use std::fs;

/// Where they are.
const FOLDER: &str = "crates/local-tools/page";

/// Which files there may be, and their types.
const TYPES: [(&str, &str); 4] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
];

/// The file of this name, if it is one of the page's.
pub fn file(name: &str) -> Option<Response<ResponseBody>> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if name.starts_with('.') || !name.chars().all(is_plain) {
        return None;
    }
    let ending = name.rsplit('.').next().unwrap_or_default();
    let (_, kind) = TYPES.into_iter().find(|(known, _)| *known == ending)?;
    let text = fs::read_to_string(project_file(FOLDER).join(name)).ok()?;
    Response::builder().header("content-type", kind).body(serve::body(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_pages_files_is_served() {
        assert!(file("index.html").is_some());
        let absolute = project_file(FOLDER).join("index.html");
        assert!(absolute.exists() && file(absolute.to_str().unwrap()).is_none());
        for name in
            ["", ".", "..", "../Cargo.toml", "..%2fCargo.toml", "index.htm", ".html", "a/b.js"]
        {
            assert!(file(name).is_none(), "{name}");
        }
    }
}

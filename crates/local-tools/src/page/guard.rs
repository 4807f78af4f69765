//! Which requests the page takes. Other pages in the same browser can send requests here too, and can give this
//! machine a name of their own (DNS rebinding); none of them may read or change anything.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use stand_ins::serve::ResponseBody;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every response.
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// Why a request is not taken.
pub type Refused = (u16, &'static str);

/// Lets a request to the page on `port` pass, or says why not.
///
/// # Errors
/// The status and a sentence.
pub fn check<B>(request: &Request<B>, port: u16) -> Result<(), Refused> {
    let host = header(request.headers(), "host");
    let own = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
    let Some(host) = host.filter(|host| own.iter().any(|own| own == host)) else {
        return Err((403, "Only http://127.0.0.1 and http://localhost lead to this page."));
    };
    let site = header(request.headers(), "sec-fetch-site");
    match *request.method() {
        Method::GET if is_visit(request) => Ok(()),
        Method::GET if site.is_none_or(is_own) => Ok(()),
        Method::POST => check_change(request.headers(), host, site),
        Method::GET => Err((403, "Another page asks; only this one may.")),
        _ => Err((405, "Only GET and POST are taken.")),
    }
}

/// Somebody follows a link to the page.
fn is_visit<B>(request: &Request<B>) -> bool {
    let is_navigation = header(request.headers(), "sec-fetch-mode") == Some("navigate");
    request.uri().path() == "/" && is_navigation
}

/// Changes need a browser's word that this page asks, and a type that no form can send.
fn check_change(headers: &HeaderMap, host: &str, site: Option<&str>) -> Result<(), Refused> {
    let origin = header(headers, "origin");
    let is_ours = origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    let is_said = origin.is_some() || site.is_some();
    if !is_ours || !is_said || site.is_some_and(|site| site != "same-origin") {
        return Err((403, "Only this page itself may change something."));
    }
    let kind = header(headers, "content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err((415, "Send JSON, with the content type application/json."))
    }
}

/// Typed by the user, or from this page.
fn is_own(site: &str) -> bool {
    matches!(site, "same-origin" | "none")
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Adds what keeps a response from other pages.
pub fn protect(mut response: Response<ResponseBody>) -> Response<ResponseBody> {
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "127.0.0.1:9001";

    fn status(method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap(), 9001).map_or_else(|(status, _)| status, |()| 200)
    }

    #[test]
    fn only_names_of_this_machine_lead_here() {
        for (host, expected) in [
            (OWN, 200),
            ("localhost:9001", 200),
            ("127.0.0.1:9002", 403),
            ("localhost", 403),
            ("evil.example.com:9001", 403),
            ("127.0.0.1.example.com:9001", 403),
        ] {
            assert_eq!(status("GET", "/api/state", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status("GET", "/", &[]), 403);
    }

    #[test]
    fn other_pages_may_link_here_and_nothing_else() {
        let from = |site| [("host", OWN), ("sec-fetch-site", site)];
        for (site, expected) in
            [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
        {
            assert_eq!(status("GET", "/api/webhooks", &from(site)), expected, "{site}");
        }
        let visit = [&from("cross-site")[..], &[("sec-fetch-mode", "navigate")]].concat();
        assert_eq!(status("GET", "/", &visit), 200);
        assert_eq!(status("GET", "/api/webhooks", &visit), 403);
    }

    #[test]
    fn a_change_needs_the_pages_own_origin_and_json() {
        let json = ("content-type", "application/json; charset=utf-8");
        let post =
            |more: &[(&str, &str)]| status("POST", "/api/send", &[&[("host", OWN)], more].concat());
        let own = ("origin", "http://127.0.0.1:9001");
        assert_eq!(post(&[own, json]), 200);
        assert_eq!(post(&[("sec-fetch-site", "same-origin"), json]), 200);
        assert_eq!(post(&[json]), 403);
        for origin in
            ["http://localhost:9001", "http://127.0.0.1:9002", "https://127.0.0.1:9001", "null"]
        {
            assert_eq!(post(&[("origin", origin), json]), 403, "{origin}");
        }
        for site in ["cross-site", "same-site", "none"] {
            assert_eq!(post(&[own, ("sec-fetch-site", site), json]), 403, "{site}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
            assert_eq!(post(&[own, ("content-type", kind)]), 415, "{kind}");
        }
        assert_eq!(post(&[own]), 415);
        let put = [("host", OWN), own, json];
        assert_eq!(status("PUT", "/api/send", &put), 405);
        assert_eq!(status("DELETE", "/api/send", &put), 405);
        assert_eq!(status("HEAD", "/", &put), 405);
    }
}

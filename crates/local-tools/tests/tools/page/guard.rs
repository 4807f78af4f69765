//! Other pages in the same browser read and change nothing.

use super::Page;
use reqwest::Method;
use serde_json::json;
use stand_ins::gate::Gate;
use stand_ins::journal::{Journal, Service};
use stand_ins::secrets_manager::Moto;

#[tokio::test]
async fn no_other_page_reads_or_changes_anything() {
    let page = Page::start(&[]).await;
    let own = page.base.clone();
    let json = ("content-type", "application/json");
    for path in [
        "/",
        "/page/index.html",
        "/api/state",
        "/api/webhooks",
        "/api/webhooks/1",
        "/api/samples",
        "/api/faults",
        "/api/people",
        "/api/people/cio1",
        "/api/transforms",
        "/api/samples/payment.failed",
    ] {
        let get = |headers| page.request(Method::GET, path, headers, String::new());
        // A name of somebody else's that leads to this machine.
        assert_eq!(get(&[("host", "rebound.example.com:9001")]).await.0, 403, "{path}");
        assert_eq!(get(&[("sec-fetch-site", "cross-site")]).await.0, 403, "{path}");
        assert_eq!(get(&[("sec-fetch-site", "same-site")]).await.0, 403, "{path}");
    }
    let event = page.sample("payment.failed").await;
    let body = json!({"body": event.to_string()}).to_string();
    for path in [
        "/api/send",
        "/api/webhooks/1/replay",
        "/api/webhooks/1/keep",
        "/api/faults",
        "/api/faults/clear",
        "/api/function/restart",
        "/api/history/clear",
        "/api/compare",
    ] {
        for (headers, expected) in [
            (vec![json], 403),
            (vec![json, ("origin", "http://evil.example.com")], 403),
            (vec![json, ("origin", "null")], 403),
            (vec![json, ("origin", own.as_str()), ("sec-fetch-site", "cross-site")], 403),
            (vec![json, ("origin", own.as_str()), ("host", "rebound.example.com")], 403),
            (vec![("content-type", "text/plain"), ("origin", own.as_str())], 415),
            (
                vec![
                    ("content-type", "application/x-www-form-urlencoded"),
                    ("origin", own.as_str()),
                ],
                415,
            ),
        ] {
            let (status, _) = page.request(Method::POST, path, &headers, body.clone()).await;
            assert_eq!(status, expected, "{path} {headers:?}");
        }
        // No state changes by a link or an image.
        let (status, _) = page.request(Method::GET, path, &[], String::new()).await;
        // GET lists the faults that there are.
        assert_eq!(status, if path == "/api/faults" { 200 } else { 404 }, "{path}");
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let headers = [json, ("origin", own.as_str())];
            let (status, _) = page.request(method.clone(), path, &headers, "{}".to_owned()).await;
            assert_eq!(status, 405, "{path} {method}");
        }
    }
    assert_eq!(page.get("webhooks").await["total"], 0);
    assert_eq!(page.get("faults").await["active"], json!([]));
    page.end().await;
}

#[tokio::test]
async fn the_browser_is_told_to_run_nothing_from_elsewhere() {
    let page = Page::start(&[]).await;
    for path in ["/", "/api/state", "/nowhere", "/page/..%2f..%2fCargo.toml", "/page/../Cargo.toml"]
    {
        let response = page.client.get(format!("{}{path}", page.base)).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(response.headers().get("access-control-allow-origin").is_none());
        let found = matches!(path, "/" | "/api/state");
        assert_eq!(response.status(), if found { 200 } else { 404 }, "{path}");
        let text = response.text().await.unwrap();
        assert!(!text.contains("[package]"));
        // The policy would stop it.
        assert!(path != "/" || !text.contains("<script>") && !text.contains(" style="), "{text}");
    }
    page.end().await;
}

#[tokio::test]
async fn the_local_secrets_manager_gives_nothing_to_pages() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap().unwrap();
    moto.create("dodo", &json!({"secret": "s3cr3t"})).await.unwrap();
    let gate = Gate::start(moto.url(), Service::SecretsManager, &Journal::default()).await.unwrap();
    let client = dodo_customerio::http::client();
    let gate_url = gate.url();
    for url in [moto.url(), &gate_url] {
        let ask = |name: &'static str, value: &'static str| {
            let request = client.post(url).header("x-amz-target", "secretsmanager.GetSecretValue");
            let request = request.header("content-type", "application/x-amz-json-1.1");
            let request = request.header("authorization", CREDENTIAL);
            request.header(name, value).body(r#"{"SecretId":"dodo"}"#).send()
        };
        for (name, value, expected) in [
            ("accept", "*/*", 200),
            ("origin", "http://localhost:8000", 403),
            ("sec-fetch-site", "same-site", 403),
            ("host", "elsewhere.example.com", 403),
        ] {
            let response = ask(name, value).await.unwrap();
            assert_eq!(response.status(), expected, "{url} {name}");
            assert!(response.headers().get("access-control-allow-origin").is_none());
            let text = response.text().await.unwrap();
            assert_eq!(text.contains("s3cr3t"), expected == 200, "{name}: {text}");
        }
    }
    tokio::task::spawn_blocking(move || drop(moto)).await.unwrap();
}

/// What moto wants to see; it checks no signature.
const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/secretsmanager/aws4_request, \
                          SignedHeaders=host, Signature=0";

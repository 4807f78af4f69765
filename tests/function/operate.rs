//! `make secret` and `make doctor` against a Secrets Manager, a Customer.io and a running function.

use crate::world::{World, moto_environment};
use serde_json::{Value, json};
use stand_ins::dodo;
use stand_ins::fault::Fault;
use stand_ins::project::{project_file, python};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// The parts of a deployed stack that the script reads.
struct Stack {
    name: String,
    region: &'static str,
}

impl Stack {
    async fn around(world: &World, region: &'static str) -> Self {
        Self::with(world, region, &json!({})).await
    }

    /// With other parameters.
    async fn with(world: &World, region: &'static str, parameters: &Value) -> Self {
        let name = format!("stack-{}", dodo::random_hex());
        let mut stack = json!({
            "name": name,
            "FunctionUrl": world.function_url(),
            "SecretArn": world.secret.name,
            "LogGroupName": name,
            "CustomerIoRegion": region,
            "CustomerIoTrackUrl": world.customerio.url(),
            "DodoEnvironment": "test",
            "DodoApiUrl": world.dodo_api.url(),
            "PersonIdentifier": "customer_id",
        });
        stack.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        let mut create = command(&[project_file("tests/reference.py").to_str().unwrap(), "stack"]);
        assert!(finish(&mut create, &stack.to_string()).await.0);
        Self { name, region }
    }

    /// Whether it succeeded, and everything it printed.
    async fn operate(&self, what: &str, variables: &[(&str, &str)], input: &str) -> (bool, String) {
        assert!(["us", "eu"].contains(&self.region));
        let mut command = command(&["-m", "ops", what]);
        command.env("STACK", &self.name).envs(variables.iter().copied());
        finish(&mut command, input).await
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(python().unwrap());
    command.args(arguments).current_dir(project_file("")).env_clear().envs(moto_environment());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

async fn finish(command: &mut Command, input: &str) -> (bool, String) {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A tool that fails at once does not read its input.
    drop(process.stdin.take().unwrap().write_all(input.as_bytes()).await);
    let output = process.wait_with_output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn the_doctor_finds_everything_well() {
    let world = World::start().await;
    let stack = Stack::around(&world, "us").await;
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(well, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("ok  ")).count(), 7, "{text}");
    assert!(text.contains("there is no dodo_api_key"), "{text}");
    assert!(
        !text.contains(&world.secret.credentials.api_key)
            && !text.contains(&world.secret.credentials.webhook_secret[6..])
    );
    assert_eq!(world.customerio.state().people.events().count(), 0, "the probe is ignored");
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_and_what_to_type() {
    let world = World::start().await;
    let (well, text) = Stack { name: "none".into(), region: "us" }.operate("doctor", &[], "").await;
    assert!(
        !well && text.contains("There is no stack named none") && text.contains("make deploy"),
        "{text}"
    );

    let elsewhere = Stack::around(&world, "eu").await;
    let (well, text) = elsewhere.operate("doctor", &[], "").await;
    assert!(!well && text.contains("lives in region us, the stack says eu"), "{text}");

    let stack = Stack::around(&world, "us").await;
    world.customerio.state().accept("other", "pair");
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(
        !well && text.contains("Customer.io responds with 401") && text.contains("make secret"),
        "{text}"
    );

    world.secret.put(&json!({"dodo_webhook_secret": "REPLACE_ME"})).await;
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(!well && text.contains("dodo_webhook_secret is still a placeholder"), "{text}");
    assert!(text.contains("customerio_site_id is missing"), "{text}");
}

#[tokio::test]
async fn the_doctor_tries_the_key_for_dodos_api() {
    let world = World::with_dodo_api(&[]).await;
    let stack = Stack::around(&world, "us").await;
    let (well, text) = stack.operate("doctor", &[], "").await;
    let reads = "reads customers, payments, refunds, disputes and subscriptions in test";
    assert!(well && text.contains(reads), "{text}");
    assert!(!text.contains(&world.secret.credentials.dodo_api_key), "{text}");

    world.dodo_api.state().faults.queue.push_back(Fault::status(403));
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(!well && text.contains("may not read customers"), "{text}");

    let other = [("DODO_API_KEY", "a-key-of-the-other-mode")];
    assert!(stack.operate("secret", &other, "").await.0);
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(
        !well && text.contains("responds with 401") && text.contains("environment test"),
        "{text}"
    );

    assert!(stack.operate("secret", &[("DODO_API_KEY", "none")], "").await.0);
    assert_eq!(world.secret.get().await, world.secret.credentials.secret());
    assert!(stack.operate("doctor", &[], "").await.0);
}

/// Before it asks Dodo's API, which would only say 401.
#[tokio::test]
async fn the_doctor_compares_the_keys_prefix_with_the_environment() {
    let world = World::with_dodo_api(&[]).await;
    for (environment, other) in [("test", "live"), ("live", "test")] {
        let parameters = json!({"DodoEnvironment": environment});
        let stack = Stack::with(&world, "us", &parameters).await;
        let key = |mode: &str| format!("dodo_{mode}_{}", dodo::random_hex());
        assert!(stack.operate("secret", &[("DODO_API_KEY", &key(other))], "").await.0);
        let asked = world.dodo_api.state().requests.len();
        let (well, text) = stack.operate("doctor", &[], "").await;
        let says = format!("is a key of {other} mode, but DodoEnvironment is {environment}");
        assert!(!well && text.contains(&says), "{text}");
        assert!(text.contains("make secret") && text.contains("make deploy"), "{text}");
        assert_eq!(world.dodo_api.state().requests.len(), asked);

        // A key of the right mode is tried; this one is not known.
        assert!(stack.operate("secret", &[("DODO_API_KEY", &key(environment))], "").await.0);
        let (well, text) = stack.operate("doctor", &[], "").await;
        assert!(!well && text.contains("responds with 401"), "{text}");
    }
}

#[tokio::test]
async fn the_doctor_hints_at_addresses_that_belong_to_others() {
    let world = World::start().await;
    for (identifier, expected) in
        [("customer_id", true), ("email", false), ("metadata.user_id", false)]
    {
        let stack = Stack::with(&world, "us", &json!({"PersonIdentifier": identifier})).await;
        let (well, text) = stack.operate("doctor", &[], "").await;
        assert!(well, "{text}");
        assert_eq!(text.contains("Attribute Update Failure"), expected, "{identifier}: {text}");
        assert_eq!(text.contains("docs/identity.md"), expected, "{identifier}: {text}");
    }
}

#[tokio::test]
async fn the_doctor_notices_a_function_with_another_secret() {
    let world = World::start().await;
    let stack = Stack::around(&world, "us").await;
    let mut secret = world.secret.credentials.secret();
    secret["dodo_webhook_secret"] = dodo::random_secret().into();
    world.secret.put(&secret).await;
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(!well && text.contains("The function responds with 401"), "{text}");
    assert!(text.contains("make logs"), "{text}");
}

#[tokio::test]
async fn a_shell_without_aws_is_told_what_to_type() {
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    for (missing, sentence) in [
        (&["AWS_REGION"][..], "Type: export AWS_REGION="),
        (&keys, "Type: export AWS_ACCESS_KEY_ID="),
        (&keys[1..], "Type: export AWS_ACCESS_KEY_ID="),
    ] {
        for what in ["doctor", "secret", "logs", "connect", "deploy", "destroy"] {
            let mut command = command(&["-m", "ops", what]);
            for variable in missing {
                command.env_remove(variable);
            }
            command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
            command.env("YES", "1").env("STACK", format!("stack-{}", dodo::random_hex()));
            let (well, text) = finish(&mut command, "").await;
            assert!(!well && text.contains(sentence) && !text.contains("Traceback"), "{text}");
        }
    }
}

#[tokio::test]
async fn the_log_is_shown() {
    let stack = Stack::around(&World::start().await, "us").await;
    let (shown, text) = stack.operate("logs", &[("FOLLOW", "0")], "").await;
    assert!(shown, "{text}");
    assert_eq!(text.trim(), r#"{"outcome":"delivered"}"#);
}

#[tokio::test]
async fn secrets_are_stored_checked_added_and_dropped() {
    let world = World::start().await;
    let stack = Stack::around(&world, "us").await;
    let before = world.secret.credentials.secret();
    let new = dodo::random_secret();

    let bad = json!({"dodo_webhook_secret": "whsec_short", "customerio_site_id": "a b"});
    let (stored, text) = stack.operate("secret", &[], &bad.to_string()).await;
    assert!(!stored && text.contains("Nothing was stored") && text.contains("whsec_"), "{text}");
    assert!(!text.contains("short"), "{text}");
    assert_eq!(world.secret.get().await, before, "no half-written secret");
    let (stored, text) = stack.operate("secret", &[], "no json").await;
    assert!(!stored && text.contains("not a JSON object"), "{text}");

    let add = [("ADD", "1"), ("DODO_WEBHOOK_SECRET", new.as_str())];
    let (stored, text) = stack.operate("secret", &add, "").await;
    assert!(stored && !text.contains(&new[6..]), "{text}");
    let now = world.secret.get().await;
    assert_eq!(now["dodo_webhook_secret"], json!([new, world.secret.credentials.webhook_secret]));
    assert_eq!(now["customerio_api_key"], before["customerio_api_key"]);

    assert!(stack.operate("secret", &[("DROP", "1")], "").await.0);
    assert_eq!(world.secret.get().await["dodo_webhook_secret"], json!(new));
    let (stored, text) = stack.operate("secret", &[("DROP", "1")], "").await;
    assert!(!stored && text.contains("one webhook secret only"), "{text}");

    let pair = json!({"customerio_site_id": "0123456789abcdef0123", "customerio_api_key": "3210fedcba9876543210"});
    assert!(stack.operate("secret", &[], &pair.to_string()).await.0);
    let now: Value = world.secret.get().await;
    assert_eq!(
        (&now["customerio_site_id"], &now["dodo_webhook_secret"]),
        (&pair["customerio_site_id"], &json!(new))
    );
}

#[tokio::test]
async fn the_doctor_warns_of_test_mode_unless_the_stack_is_named_for_tests() {
    // `Stack` says that it belongs to test mode, and has a name that says nothing.
    let world = World::start().await;
    let stack = Stack::around(&world, "us").await;
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(well && text.contains("??  mode: DodoEnvironment is test"), "{text}");
    let live = json!({"DodoEnvironment": "live"});
    let (well, text) = Stack::with(&world, "us", &live).await.operate("doctor", &[], "").await;
    assert!(well && !text.contains("??  mode"), "{text}");
}

#[tokio::test]
async fn a_key_that_contains_words_of_placeholders_is_stored() {
    let world = World::start().await;
    let stack = Stack::around(&world, "us").await;
    let key = "kXxXa9.TodoPq3your-example_REPLACE_ME2";
    let (stored, text) = stack.operate("secret", &[("DODO_API_KEY", key)], "").await;
    assert!(stored && !text.contains("Note"), "{text}");
    assert_eq!(world.secret.get().await["dodo_api_key"], key);
    for (placeholder, problem) in
        [("your-api-key-here", "is still a placeholder"), (" ", "is blank")]
    {
        let (stored, text) = stack.operate("secret", &[("DODO_API_KEY", placeholder)], "").await;
        assert!(!stored && text.contains(&format!("dodo_api_key {problem}")), "{text}");
    }
    assert_eq!(world.secret.get().await["dodo_api_key"], key);
}

#[tokio::test]
async fn an_old_mistake_in_the_optional_key_stops_no_other_change() {
    let world = World::start().await;
    let stack = Stack::around(&world, "us").await;
    let mut secret = world.secret.credentials.secret();
    secret["dodo_api_key"] = json!("REPLACE_ME");
    world.secret.put(&secret).await;
    let (well, text) = stack.operate("doctor", &[], "").await;
    assert!(!well && text.contains("dodo_api_key is still a placeholder"), "{text}");
    let new = [("CUSTOMERIO_SITE_ID", "0123456789abcdef0123")];
    let (stored, text) = stack.operate("secret", &new, "").await;
    assert!(stored && text.contains("Note: dodo_api_key is still a placeholder"), "{text}");
}

#[tokio::test]
async fn what_looks_incomplete_is_stored_with_a_note() {
    let world = World::start().await;
    let stack = Stack::around(&world, "us").await;
    let short = json!({"dodo_webhook_secret": "aGVsbG8", "customerio_site_id": "0123"});
    let (stored, text) = stack.operate("secret", &[], &short.to_string()).await;
    assert!(stored && text.contains("does not begin with whsec_"), "{text}");
    assert!(text.contains("customerio_site_id does not look like"), "{text}");
    assert!(!text.contains("aGVsbG8") && !text.contains("0123"), "{text}");
}

/// A stand-in of `tests/ops`; it ends when it is dropped.
struct Service {
    url: String,
    _process: tokio::process::Child,
}

impl Service {
    async fn start(file: &str, argument: &str) -> Self {
        let mut process =
            command(&[project_file("tests/ops").join(file).to_str().unwrap(), argument])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).await.unwrap();
        Self { url: url.trim().to_owned(), _process: process }
    }
}

/// AWS with a `CloudFormation` that knows SAM's templates, in front of the tests' Secrets Manager.
/// The stacks that it makes have this `FunctionUrl`.
async fn aws(function_url: &str) -> Service {
    let (_, moto) = moto_environment().find(|(name, _)| *name == "AWS_ENDPOINT_URL").unwrap();
    let service = Service::start("aws.py", &moto).await;
    let python = "import sys, urllib.request as r; r.urlopen(sys.argv[1], sys.argv[2].encode())";
    let url = format!("{}/stand-in/url", service.url);
    assert!(finish(&mut command(&["-c", python, &url, function_url]), "").await.0);
    service
}

/// The way of whoever has no Rust: a release, Python, and a key of Dodo's API. Its function is the one of this test,
/// since nothing here can run what was uploaded.
#[tokio::test]
async fn an_unpacked_release_deploys_connects_and_passes_the_doctor() {
    let world = World::start().await;
    let credentials = &world.secret.credentials;
    let aws = aws(&world.function_url()).await;
    let dodo_api = Service::start("dodo.py", &credentials.webhook_secret).await;
    let folder = std::env::temp_dir().join(format!("release-{}", dodo::random_hex()));
    let python =
        "import sys; sys.path[:0] = ['.', 'tests/ops']; import release; release.make(sys.argv[1])";
    let (made, text) = finish(&mut command(&["-c", python, folder.to_str().unwrap()]), "").await;
    assert!(made, "{text}");

    let parameters = format!(
        "CustomerIoTrackUrl={} DodoEnvironment=test DodoApiUrl={}",
        world.customerio.url(),
        dodo_api.url
    );
    let settings = [
        ("AWS_ENDPOINT_URL", aws.url.as_str()),
        ("YES", "1"),
        ("PARAMS", &parameters),
        ("DODO_WRITE_KEY", "dodo_test_w0000000000000000"),
        ("CUSTOMERIO_SITE_ID", &credentials.site_id),
        ("CUSTOMERIO_API_KEY", &credentials.api_key),
        ("PATH", "/usr/bin:/bin"),
        ("HOME", folder.to_str().unwrap()),
    ];
    let name = format!("stack-{}", dodo::random_hex());
    for (what, says) in [
        ("deploy", "FunctionUrl: "),
        ("connect", "All is well."),
        ("doctor", "All is well."),
        ("destroy", "is deleted."),
    ] {
        let mut command = command(&["-m", "ops", what]);
        command.current_dir(&folder).envs(settings).env("STACK", &name);
        let (well, text) = finish(&mut command, "").await;
        assert!(well && text.contains(says), "{what}: {text}");
        assert!(!text.contains(&credentials.webhook_secret[6..]), "{text}");
        assert!(!text.contains(&credentials.api_key), "{text}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

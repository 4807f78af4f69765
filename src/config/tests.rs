use super::*;
use crate::transform::built_in::{Options, PersonIdentifier};
use std::cell::RefCell;
use std::collections::BTreeSet;

const AWS: [(&str, &str); 3] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "testing"),
    ("AWS_SECRET_ACCESS_KEY", "testing"),
];

fn read(variables: &[(&str, &str)]) -> Result<Settings, Vec<ConfigError>> {
    let all: Vec<_> = [variables, &AWS].concat();
    Settings::read(|name| {
        let found = all.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn with(name: &str, value: &str) -> Result<Settings, Vec<ConfigError>> {
    read(&[("SECRET_ID", "dodo"), (name, value)])
}

fn problem_with(name: &str, value: &str) -> String {
    let errors = with(name, value).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].variable, name);
    errors[0].to_string()
}

#[test]
fn only_the_secret_must_be_named() {
    let settings = read(&[("SECRET_ID", " dodo ")]).unwrap();
    assert_eq!(settings.relay.secret_id, "dodo");
    assert_eq!(settings.relay.track_url.as_str(), "https://track.customer.io/");
    assert!(matches!(
        settings.relay.transform,
        Transform::BuiltIn(options) if options == Options::default()
    ));
    assert_eq!(settings.relay.secret_ttl, Duration::from_mins(5));
    assert_eq!(settings.tolerance, Duration::from_mins(5));
}

#[test]
fn environment_and_url_choose_dodos_host() {
    let url = |name, value| with(name, value).unwrap().relay.dodo_url.to_string();
    assert_eq!(url("DODO_ENVIRONMENT", ""), "https://live.dodopayments.com/");
    assert_eq!(url("DODO_ENVIRONMENT", "Test"), "https://test.dodopayments.com/");
    assert_eq!(url("DODO_API_URL", "http://127.0.0.1:9/dodo"), "http://127.0.0.1:9/dodo");
    for (name, value) in [("DODO_ENVIRONMENT", "sandbox"), ("DODO_API_URL", "http://a.example")] {
        let errors = with(name, value).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].variable, name);
    }
}

#[test]
fn region_and_url_choose_the_host() {
    let url = |name, value| with(name, value).unwrap().relay.track_url.to_string();
    assert_eq!(url("CUSTOMERIO_REGION", "EU"), "https://track-eu.customer.io/");
    for base in [
        "https://proxy.example.com/cio",
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://[::1]:9/",
    ] {
        assert_eq!(url("CUSTOMERIO_TRACK_URL", base), base);
    }
}

#[test]
fn credentials_never_travel_in_the_clear() {
    for base in ["http://track.customer.io", "http://127.example.com", "ftp://localhost"] {
        assert_eq!(
            problem_with("CUSTOMERIO_TRACK_URL", base),
            "CUSTOMERIO_TRACK_URL must begin with https:// (http:// only on this machine itself)"
        );
    }
}

#[test]
fn each_identifier_is_understood() {
    let identifier = |value| match with("PERSON_IDENTIFIER", value).unwrap().relay.transform {
        Transform::BuiltIn(options) => options.identifier,
        #[cfg(feature = "javascript")]
        Transform::JavaScript(_) => panic!("the built-in transform"),
    };
    assert_eq!(identifier("customer_id"), PersonIdentifier::CustomerId);
    assert_eq!(identifier("email"), PersonIdentifier::Email);
    assert_eq!(identifier("metadata.user_id"), PersonIdentifier::Metadata("user_id".into()));
    for value in ["id", "metadata", "metadata.", "Email"] {
        assert_eq!(
            problem_with("PERSON_IDENTIFIER", value),
            format!(
                "PERSON_IDENTIFIER must be customer_id, email or metadata.<key>, not \"{value}\""
            )
        );
    }
}

#[test]
fn seconds_are_whole_and_positive() {
    assert_eq!(with("SECRET_TTL_SECONDS", "60").unwrap().relay.secret_ttl, Duration::from_mins(1));
    for value in ["0", "-1", "5m", "86401", "1.5"] {
        let problem = problem_with("WEBHOOK_TOLERANCE_SECONDS", value);
        assert!(problem.ends_with(&format!("from 1 to 86400, not \"{value}\"")), "{problem}");
    }
}

const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/webhooks";
const DEAD_LETTERS: &str = "http://127.0.0.1:9/123456789012/refused";

#[test]
fn the_handler_chooses_the_function() {
    let url = |variable, url: &str| QueueUrl { variable, url: url.parse().unwrap() };
    let (queue, dead_letters) =
        (url("QUEUE_URL", QUEUE), url("DEAD_LETTER_QUEUE_URL", DEAD_LETTERS));
    let role = |handler: &str, more: &[(&str, &str)]| {
        let first = [("SECRET_ID", "dodo"), ("_HANDLER", handler)];
        read(&[&first, more].concat()).map(|settings| settings.role)
    };
    let both = [("QUEUE_URL", QUEUE), ("DEAD_LETTER_QUEUE_URL", DEAD_LETTERS)];
    assert_eq!(role("bootstrap", &[]), Ok(Role::Webhooks { queue: None }));
    assert_eq!(role("", &both), Ok(Role::Webhooks { queue: Some(queue.clone()) }));
    assert_eq!(role("queue", &both), Ok(Role::Queue { queue, dead_letters }));
    let missing = role("queue", &both[..1]).unwrap_err();
    let [mistake] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!(mistake.variable, "DEAD_LETTER_QUEUE_URL");
    assert!(mistake.problem.ends_with("since _HANDLER is queue"), "{mistake}");
    let same = role("queue", &[("QUEUE_URL", QUEUE), ("DEAD_LETTER_QUEUE_URL", QUEUE)]);
    assert_eq!(
        same.unwrap_err()[0].to_string(),
        "DEAD_LETTER_QUEUE_URL must be another queue than QUEUE_URL"
    );
}

#[test]
fn the_url_of_a_queue_is_one() {
    for url in [
        "webhooks",
        "arn:aws:sqs:eu-central-1:123456789012:webhooks",
        "https://sqs.eu-central-1.amazonaws.com/",
        "https://sqs.eu-central-1.amazonaws.com/webhooks",
        "https://sqs.eu-central-1.amazonaws.com/account/webhooks",
        "https://sqs.eu-central-1.amazonaws.com/123456789012/webhooks/more",
        "http://sqs.eu-central-1.amazonaws.com/123456789012/webhooks",
    ] {
        let problem = problem_with("QUEUE_URL", url);
        assert!(problem.starts_with("QUEUE_URL must be the URL of a queue of SQS"), "{problem}");
        assert!(problem.ends_with(&format!("not \"{url}\"")), "{problem}");
    }
}

#[test]
fn each_service_may_have_an_endpoint_of_its_own() {
    let settings = read(&[
        ("SECRET_ID", "dodo"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2"),
    ]);
    let aws = settings.unwrap().relay.aws;
    assert_eq!(aws.secrets_manager_url.as_deref(), Some("http://127.0.0.1:1"));
    assert_eq!(aws.sqs_url.as_deref(), Some("http://127.0.0.1:2"));
}

#[test]
fn what_may_be_a_typo_is_a_warning() {
    for (name, value, nearest) in [
        ("EVENTS", "payment.*,refnd.failed", "refund.failed"),
        ("EVENT_NAMES", "payment.fialed=", "payment.failed"),
        ("EXCLUDE_FIELDS", "ip_address,card_last_for", "card_last_four"),
    ] {
        let settings = with(name, value).unwrap();
        let [warning] = settings.warnings() else { panic!("{:?}", settings.warnings()) };
        let text = warning.to_string();
        assert!(text.starts_with(&format!("{name} may have a typo: ")), "{text}");
        assert!(text.ends_with(&format!("; the nearest is {nearest}")), "{text}");
    }
    assert_eq!(with("EVENTS", "payment.*").unwrap().warnings(), []);
}

#[test]
fn unknown_fields_pass_or_are_dropped() {
    for (value, fine) in [("pass", true), ("Drop", true), ("", true), ("keep", false)] {
        assert_eq!(with("UNKNOWN_FIELDS", value).is_ok(), fine, "{value}");
    }
    let problem = problem_with("UNKNOWN_FIELDS", "keep");
    assert_eq!(problem, "UNKNOWN_FIELDS must be pass or drop, not \"keep\"");
    for setting in ["card_*", "metadata.*", "customer;billing", "customer billing"] {
        let problem = problem_with("EXCLUDE_FIELDS", setting);
        let expected =
            format!("EXCLUDE_FIELDS has a mistake: \"{setting}\" is not the name of one field");
        assert!(problem.starts_with(&expected), "{problem}");
    }
    assert_eq!(with("EXCLUDE_FIELDS", "metadata.my note").unwrap().warnings(), []);
    let problem = problem_with("EVENTS", "a=b");
    assert!(problem.starts_with("EVENTS has a mistake: \"a=b\" is not an event type"), "{problem}");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let errors = Settings::read(|name| match name {
        "CUSTOMERIO_REGION" => Some("mars".into()),
        "PERSON_IDENTIFIER" => Some("phone".into()),
        "EVENT_NAMES" => Some("a.b,=c".into()),
        "SECRET_TTL_SECONDS" | "WEBHOOK_TOLERANCE_SECONDS" => Some("soon".into()),
        "LOG_LEVEL" => Some("loud".into()),
        "QUEUE_URL" => Some("webhooks".into()),
        "TRANSFORM_FILE" => Some("handler.js".into()),
        _ => None,
    })
    .unwrap_err();
    let variables: Vec<_> = errors.iter().map(|mistake| mistake.variable).collect();
    assert_eq!(
        variables,
        [
            "SECRET_ID",
            "CUSTOMERIO_REGION",
            "PERSON_IDENTIFIER",
            "EVENT_NAMES",
            "EVENT_NAMES",
            "TRANSFORM_FILE",
            "SECRET_TTL_SECONDS",
            "WEBHOOK_TOLERANCE_SECONDS",
            "LOG_LEVEL",
            "QUEUE_URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ]
    );
}

#[test]
fn a_log_level_is_one_that_the_log_knows() {
    for level in crate::telemetry::log::LEVELS {
        assert!(with("LOG_LEVEL", &level.to_lowercase()).is_ok(), "{level}");
    }
    assert_eq!(
        problem_with("LOG_LEVEL", "loud"),
        "LOG_LEVEL must be one of TRACE, DEBUG, INFO, WARN, ERROR, not \"loud\""
    );
}

#[test]
fn aws_variables_do_not_print_their_secrets() {
    let printed = format!("{:?}", with("AWS_SESSION_TOKEN", "token").unwrap());
    assert!(!printed.contains("testing") && !printed.contains("token"), "{printed}");
}

/// `docs/configuration.md` lists the variables that are read: no more and no fewer.
#[test]
fn every_variable_is_documented_and_no_other() {
    let page = include_str!("../../docs/configuration.md");
    let (_, tables) = page.split_once("\n## Settings\n").unwrap();
    let tables = tables.split("\n## Other template parameters").next().unwrap();
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<String> = rows.map(str::to_owned).collect();

    let read = RefCell::new(BTreeSet::new());
    let _ = Settings::read(|name| {
        read.borrow_mut().insert(name.to_owned());
        None
    });
    // Lambda's own, read by the log alone.
    read.borrow_mut().insert("AWS_LAMBDA_LOG_LEVEL".to_owned());
    assert_eq!(documented, *read.borrow());
}

//! `template.yaml` as SAM expands it: who may call the function, and what the function may do.

use serde_json::{Value, json};
use stand_ins::secrets_manager::{project_file, python};
use std::process::Command;

fn resources() -> Vec<(String, Value)> {
    let mut command = Command::new(python().unwrap());
    command.arg(project_file("tests/reference.py")).arg("template");
    let output = command.env("AWS_DEFAULT_REGION", "us-east-1").output().unwrap();
    let template: Value = serde_json::from_slice(&output.stdout).unwrap();
    template["Resources"].as_object().unwrap().clone().into_iter().collect()
}

fn of_type(kind: &str) -> Vec<Value> {
    let all = resources().into_iter();
    all.filter(|(_, it)| it["Type"] == kind).map(|(_, it)| it["Properties"].clone()).collect()
}

/// Function URLs need two permissions since October 2025.
#[test]
fn anybody_may_call_the_url_and_nothing_else() {
    let urls = of_type("AWS::Lambda::Url");
    assert_eq!(urls.len(), 1);
    assert_eq!(urls[0]["AuthType"], "NONE");
    let permissions = of_type("AWS::Lambda::Permission");
    let mut actions: Vec<_> = permissions.iter().map(|it| it["Action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]);
    for permission in permissions {
        let by_url = permission["FunctionUrlAuthType"] == "NONE"
            || permission["InvokedViaFunctionUrl"] == true;
        assert!(by_url, "{permission}");
    }
}

#[test]
fn the_function_may_read_one_secret_and_write_its_log() {
    let roles = of_type("AWS::IAM::Role");
    assert_eq!(roles.len(), 1);
    let managed = roles[0]["ManagedPolicyArns"].to_string();
    assert_eq!(roles[0]["ManagedPolicyArns"].as_array().unwrap().len(), 1, "{managed}");
    assert!(managed.contains("AWSLambdaBasicExecutionRole"), "{managed}");
    let statements = &roles[0]["Policies"][0]["PolicyDocument"]["Statement"];
    assert_eq!(statements.as_array().unwrap().len(), 1);
    assert_eq!(statements[0]["Action"], "secretsmanager:GetSecretValue");
    assert!(!statements.to_string().contains('*'), "{statements}");
}

#[test]
fn every_setting_reaches_the_function() {
    let function = of_type("AWS::Lambda::Function").remove(0);
    let variables = function["Environment"]["Variables"].as_object().unwrap();
    for name in [
        "SECRET_ID",
        "CUSTOMERIO_REGION",
        "CUSTOMERIO_TRACK_URL",
        "PERSON_IDENTIFIER",
        "EVENT_NAMES",
        "IDENTIFY_TIME",
        "SUBSCRIPTION_OBJECT_TYPE",
        "TRANSFORM_FILE",
        "DODO_ENVIRONMENT",
        "DODO_API_URL",
        "SECRET_TTL_SECONDS",
        "WEBHOOK_TOLERANCE_SECONDS",
    ] {
        assert!(variables.contains_key(name), "{name}");
    }
    assert_eq!(function["Runtime"], "provided.al2023");
    assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON");
}

#[test]
fn every_alarm_says_what_it_means_and_what_to_do() {
    let alarms = of_type("AWS::CloudWatch::Alarm");
    assert_eq!(alarms.len(), 9);
    for alarm in alarms {
        let description = alarm["AlarmDescription"].as_str().unwrap();
        assert!(description.matches(". ").count() >= 1, "{description}");
        assert_ne!(alarm["AlarmActions"], json!(null));
    }
}

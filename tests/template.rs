//! `template.yaml` as SAM expands it: who may call the function, and what the function may do.

use serde_json::{Value, json};
use stand_ins::template::{resources, transformed};

fn of_type(kind: &str) -> Vec<Value> {
    let all = resources().into_iter();
    all.filter(|(_, it)| it["Type"] == kind).map(|(_, it)| it["Properties"].clone()).collect()
}

/// The resources of a type that exist with one of the two front doors.
fn behind(front_door: &str, kind: &str) -> Vec<Value> {
    let condition = format!("Uses{front_door}");
    let all = resources().into_iter().map(|(_, it)| it);
    let theirs = all.filter(|it| it["Type"] == kind && it["Condition"] == condition.as_str());
    theirs.map(|it| it["Properties"].clone()).collect()
}

/// Function URLs need two permissions since October 2025.
#[test]
fn anybody_may_call_the_url_and_nothing_else() {
    let urls = behind("FunctionUrl", "AWS::Lambda::Url");
    assert_eq!(urls.len(), 1);
    assert_eq!(urls[0]["AuthType"], "NONE");
    let permissions = behind("FunctionUrl", "AWS::Lambda::Permission");
    let mut actions: Vec<_> = permissions.iter().map(|it| it["Action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]);
    for permission in permissions {
        let by_url = permission["FunctionUrlAuthType"] == "NONE"
            || permission["InvokedViaFunctionUrl"] == true;
        assert!(by_url, "{permission}");
    }
}

/// Other names would replace the URL of every stack that exists.
#[test]
fn the_function_url_keeps_the_names_that_sam_gave_it() {
    for name in
        ["FunctionUrl", "FunctionUrlPublicPermissions", "FunctionURLInvokeAllowPublicAccess"]
    {
        assert_eq!(resources()[name]["Condition"], "UsesFunctionUrl", "{name}");
    }
}

#[test]
fn only_its_own_http_api_may_call_the_function_and_its_rate_is_limited() {
    let permissions = behind("HttpApi", "AWS::Lambda::Permission");
    assert_eq!(permissions.len(), 1);
    assert_eq!(permissions[0]["Principal"], "apigateway.amazonaws.com");
    assert!(permissions[0]["SourceArn"].to_string().contains("${HttpApi}"), "{permissions:?}");
    let integrations = behind("HttpApi", "AWS::ApiGatewayV2::Integration");
    assert_eq!(integrations[0]["PayloadFormatVersion"], "2.0", "the format of function URLs");
    let stages = behind("HttpApi", "AWS::ApiGatewayV2::Stage");
    let settings = &stages[0]["DefaultRouteSettings"];
    assert_eq!(settings["ThrottlingRateLimit"], json!({"Ref": "HttpApiRequestsPerSecond"}));
    let all = resources().into_iter().filter(|(_, it)| it["Type"] == "AWS::Lambda::Permission");
    assert_eq!(all.count(), 3, "no permission beside those of the front doors");
}

/// What a rule function comes to in a region, with a front door.
fn rule(expression: &Value, region: &str, front_door: &str) -> bool {
    let (function, operands) = expression.as_object().unwrap().iter().next().unwrap();
    let value = |it: &Value| match it["Ref"].as_str() {
        Some("AWS::Region") => region.to_owned(),
        Some("FrontDoor") => front_door.to_owned(),
        _ => it.as_str().unwrap_or_else(|| panic!("a string: {it}")).to_owned(),
    };
    match function.as_str() {
        "Fn::Not" => !rule(&operands[0], region, front_door),
        "Fn::Equals" => value(&operands[0]) == value(&operands[1]),
        "Fn::Contains" => operands[0].as_array().unwrap().contains(&value(&operands[1]).into()),
        _ => panic!("{function}"),
    }
}

#[test]
fn a_region_without_function_urls_is_refused_in_words_unless_the_front_door_is_an_http_api() {
    let template = transformed();
    let rules = template["Rules"].as_object().unwrap();
    assert_eq!(rules.len(), 1);
    let offered = &rules["FunctionUrlsAreOffered"];
    let assertion = &offered["Assertions"][0];
    let refuses = |region, front_door| {
        rule(&offered["RuleCondition"], region, front_door)
            && !rule(&assertion["Assert"], region, front_door)
    };
    for region in ["ap-south-2", "ca-west-1", "eu-central-2", "me-central-1"] {
        assert!(refuses(region, "FunctionUrl"), "{region}");
        assert!(!refuses(region, "HttpApi"), "{region}");
    }
    for region in ["us-east-1", "eu-central-1", "ap-south-1"] {
        assert!(!refuses(region, "FunctionUrl"), "{region}");
    }
    let words = assertion["AssertDescription"].as_str().unwrap();
    assert!(words.contains("FrontDoor=HttpApi"), "{words}");
}

#[test]
fn the_function_may_read_one_secret_and_write_its_log() {
    let roles = of_type("AWS::IAM::Role");
    assert_eq!(roles.len(), 1);
    let managed = roles[0]["ManagedPolicyArns"].to_string();
    assert_eq!(roles[0]["ManagedPolicyArns"].as_array().unwrap().len(), 1, "{managed}");
    assert!(managed.contains("AWSLambdaBasicExecutionRole"), "{managed}");
    let statements = &roles[0]["Policies"][0]["PolicyDocument"]["Statement"];
    assert_eq!(statements.as_array().unwrap().len(), 2);
    assert_eq!(statements[0]["Action"], "secretsmanager:GetSecretValue");
    // Only for a secret that is encrypted with a key of the merchant's own, and only through Secrets Manager.
    assert_eq!(statements[1]["Fn::If"][0], "HasSecretKmsKey");
    let decrypt = &statements[1]["Fn::If"][1];
    assert_eq!(decrypt["Action"], "kms:Decrypt");
    assert_eq!(decrypt["Resource"], json!({"Ref": "ExistingSecretKmsKeyArn"}));
    let through = &decrypt["Condition"]["StringEquals"]["kms:ViaService"];
    assert_eq!(through, &json!({"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}));
    assert_eq!(statements[1]["Fn::If"][2], json!({"Ref": "AWS::NoValue"}));
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
        "EVENTS",
        "EVENT_NAMES",
        "UNKNOWN_FIELDS",
        "EXCLUDE_FIELDS",
        "IDENTIFY_TIME",
        "SUBSCRIPTION_OBJECT_TYPE",
        "TRANSFORM_FILE",
        "DODO_ENVIRONMENT",
        "DODO_API_URL",
        "SECRET_TTL_SECONDS",
        "WEBHOOK_TOLERANCE_SECONDS",
        "LOG_LEVEL",
    ] {
        assert!(variables.contains_key(name), "{name}");
    }
    assert_eq!(function["Runtime"], "provided.al2023");
}

/// `CloudFormation` writes a secret's value again when the template's text for it changes, and would replace the
/// credentials of every deployed stack by placeholders. So not a byte of it may ever change.
#[test]
fn the_placeholders_of_the_secret_never_change() {
    let text = concat!(
        "{\n",
        "  \"dodo_webhook_secret\": \"REPLACE_ME\",\n",
        "  \"customerio_site_id\": \"REPLACE_ME\",\n",
        "  \"customerio_api_key\": \"REPLACE_ME\"\n",
        "}\n",
    );
    let secrets = of_type("AWS::SecretsManager::Secret");
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0]["SecretString"], text);
    assert!(secrets[0].get("GenerateSecretString").is_none());
}

#[test]
fn two_stacks_share_no_name() {
    let layer = &of_type("AWS::Lambda::LayerVersion")[0]["LayerName"];
    assert_eq!(layer, &json!({"Fn::Sub": "${AWS::StackName}-transforms"}));
    let dashboard = &of_type("AWS::CloudWatch::Dashboard")[0]["DashboardName"];
    assert_eq!(dashboard, &json!({"Ref": "AWS::StackName"}));
    // CloudFormation makes the other names, from the stack's.
    for (resource, named) in resources() {
        let names = ["FunctionName", "TopicName", "LogGroupName", "AlarmName", "RoleName", "Name"];
        let fixed = names.iter().filter(|name| {
            named["Type"] != "AWS::Lambda::Permission" && named["Properties"][**name].is_string()
        });
        assert_eq!(fixed.count(), 0, "{resource}");
    }
}

/// What the conditions compare, at any depth.
fn compared(node: &Value, found: &mut Vec<Value>) {
    if let Some(pair) = node.get("Fn::Equals").and_then(Value::as_array) {
        found.extend(pair.iter().cloned());
        return;
    }
    let named = node.as_object().into_iter().flat_map(|parts| parts.values());
    let listed = node.as_array().into_iter().flatten();
    for part in named.chain(listed) {
        compared(part, found);
    }
}

/// Parameters are strings, also those whose type is Number; `CloudFormation` compares nothing else.
#[test]
fn conditions_compare_strings() {
    let mut found = Vec::new();
    compared(&transformed()["Conditions"], &mut found);
    assert!(found.len() > 10);
    for value in found {
        assert!(value.is_string() || value["Ref"].is_string(), "{value}");
    }
}

/// Lambda would drop the metrics with the lines that carry them.
#[test]
fn lambda_drops_no_line_of_ours_and_most_of_its_own() {
    let function = of_type("AWS::Lambda::Function").remove(0);
    let logging = &function["LoggingConfig"];
    assert_eq!(logging["LogFormat"], "JSON");
    let level = json!({"Fn::If": ["LogsMoreThanInfo", {"Ref": "LogLevel"}, "INFO"]});
    assert_eq!(logging["ApplicationLogLevel"], level);
    assert_eq!(logging["SystemLogLevel"], json!({"Ref": "SystemLogLevel"}));
    let template = transformed();
    assert_eq!(template["Parameters"]["SystemLogLevel"]["Default"], "WARN");
    let condition = template["Conditions"]["LogsMoreThanInfo"].to_string();
    assert!(!condition.contains("WARN") && !condition.contains("ERROR"), "{condition}");
}

/// The longest text that CloudWatch takes.
const MAX_DESCRIPTION: usize = 1024;

#[test]
fn every_alarm_says_what_it_means_what_to_type_and_what_happens_otherwise() {
    let alarms = of_type("AWS::CloudWatch::Alarm");
    assert_eq!(alarms.len(), 11);
    for alarm in alarms {
        let description = alarm["AlarmDescription"]["Fn::Sub"].as_str().unwrap();
        assert!(description.contains("Type: make "), "{description}");
        assert!(description.contains("STACK=${AWS::StackName}"), "{description}");
        assert!(description.contains("If nobody does"), "{description}");
        assert!(description.len() <= MAX_DESCRIPTION, "{description}");
        assert_ne!(alarm["AlarmActions"], json!(null));
    }
}

/// A plain `make deploy` keeps every parameter, so it repairs none.
#[test]
fn commands_in_alarms_name_the_stack_and_change_what_is_wrong() {
    let template = transformed();
    for (name, alarm) in resources() {
        let Some(description) = alarm["Properties"]["AlarmDescription"]["Fn::Sub"].as_str() else {
            continue;
        };
        let commands: Vec<&str> = description.split("make ").skip(1).collect();
        for command in &commands {
            let command = command.split(&[',', ';'][..]).next().unwrap();
            assert!(command.contains("STACK=${AWS::StackName}"), "{name}: {command}");
        }
        for parameter in description.split("PARAMS=").skip(1) {
            let parameter = parameter.split('=').next().unwrap();
            let is_placeholder = parameter == "\"Name";
            let is_known = template["Parameters"].get(parameter).is_some();
            assert!(is_placeholder || is_known, "{name}: {parameter}");
        }
    }
    for (name, parameter) in
        [("ErrorsAlarm", "MemorySize"), ("ThrottlesAlarm", "ReservedConcurrency")]
    {
        let text = resources()[name]["Properties"]["AlarmDescription"].to_string();
        let command = format!("make deploy STACK=${{AWS::StackName}} PARAMS={parameter}=");
        assert!(text.contains(&command), "{text}");
    }
}

/// `make deploy` says it before it builds, and `CloudFormation` to whoever deploys in another way.
#[test]
fn every_pattern_is_put_into_words() {
    let template = transformed();
    let parameters = template["Parameters"].as_object().unwrap();
    let with_pattern: Vec<_> =
        parameters.iter().filter(|(_, it)| it.get("AllowedPattern").is_some()).collect();
    assert!(with_pattern.len() >= 11, "{}", with_pattern.len());
    for (name, parameter) in with_pattern {
        let words = parameter["ConstraintDescription"].as_str().unwrap_or_default();
        assert!(words.starts_with("must be"), "{name}: {words}");
    }
    for (name, parameter) in parameters {
        let is_limited = ["AllowedPattern", "AllowedValues", "MaxValue"];
        let is_limited = is_limited.iter().any(|rule| parameter.get(*rule).is_some());
        // Names of fields may be anything.
        assert!(is_limited || name == "ExcludeFields", "{name}");
    }
}

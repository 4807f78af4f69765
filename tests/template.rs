//! `template.yaml` as SAM expands it: who may call the function, and what the function may do.

use serde_json::{Map, Value, json};
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

/// What a role may do beyond writing its log: the statements of its one policy.
fn statements_of(role: &str) -> Vec<Value> {
    let role = resources()[role]["Properties"].clone();
    let managed = role["ManagedPolicyArns"].as_array().unwrap();
    assert_eq!(managed.len(), 1, "{managed:?}");
    assert!(managed[0].to_string().contains("AWSLambdaBasicExecutionRole"), "{managed:?}");
    assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
    assert!(!json!(statements).to_string().contains('*'), "{statements:?}");
    statements.clone()
}

/// Arn of a queue of the template.
fn arn(queue: &str) -> Value {
    json!({"Fn::GetAtt": [queue, "Arn"]})
}

#[test]
fn both_functions_may_read_one_secret_and_write_their_log() {
    assert_eq!(of_type("AWS::IAM::Role").len(), 2);
    for role in ["FunctionRole", "QueueFunctionRole"] {
        let statements = statements_of(role);
        assert_eq!(statements[0]["Action"], "secretsmanager:GetSecretValue");
        // Only for a secret that is encrypted with a key of the merchant's own, and only through Secrets Manager.
        assert_eq!(statements[1]["Fn::If"][0], "HasSecretKmsKey");
        let decrypt = &statements[1]["Fn::If"][1];
        assert_eq!(decrypt["Action"], "kms:Decrypt");
        assert_eq!(decrypt["Resource"], json!({"Ref": "ExistingSecretKmsKeyArn"}));
        let through = &decrypt["Condition"]["StringEquals"]["kms:ViaService"];
        assert_eq!(through, &json!({"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}));
        assert_eq!(statements[1]["Fn::If"][2], json!({"Ref": "AWS::NoValue"}));
    }
}

#[test]
fn each_function_may_do_with_the_queues_what_it_does_and_no_more() {
    let webhooks = &statements_of("FunctionRole")[2..];
    let send = json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn("Queue")});
    let only_then = json!({"Fn::If": ["SendsToQueue", send, {"Ref": "AWS::NoValue"}]});
    assert_eq!(webhooks, [only_then], "only in mode queue");
    let [take, bury] = &statements_of("QueueFunctionRole")[2..] else { panic!("two") };
    let actions =
        ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"];
    let actions = actions.map(|action| format!("sqs:{action}"));
    assert_eq!(take, &json!({"Effect": "Allow", "Action": actions, "Resource": arn("Queue")}));
    let copy = json!({
        "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn("DeadLetterQueue"),
    });
    assert_eq!(bury, &copy);
}

/// The variables of a function.
fn environment(function: &str) -> Map<String, Value> {
    let variables = &resources()[function]["Properties"]["Environment"]["Variables"];
    variables.as_object().unwrap().clone()
}

#[test]
fn every_setting_reaches_both_functions_from_one_place() {
    let (mut webhooks, mut queue) = (environment("Function"), environment("QueueFunction"));
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
        assert!(webhooks.contains_key(name), "{name}");
    }
    // What is a function's own.
    let url = webhooks.remove("QUEUE_URL").unwrap();
    assert_eq!((&url["Fn::If"][0], &url["Fn::If"][2]), (&json!("SendsToQueue"), &no_value()));
    assert_eq!(url["Fn::If"][1]["Fn::Select"][0], 0);
    assert_eq!(url["Fn::If"][1]["Fn::Select"][1][0], json!({"Ref": "Queue"}));
    assert_eq!(queue.remove("QUEUE_URL"), Some(json!({"Ref": "Queue"})));
    assert_eq!(queue.remove("DEAD_LETTER_QUEUE_URL"), Some(json!({"Ref": "DeadLetterQueue"})));
    assert_eq!(webhooks, queue);
    for same in ["Runtime", "Architectures", "Layers", "LoggingConfig", "Code"] {
        let [one, other] =
            ["Function", "QueueFunction"].map(|it| resources()[it]["Properties"][same].clone());
        assert_eq!(one, other, "{same}");
        assert!(!one.is_null(), "{same}");
    }
    assert_eq!(resources()["Function"]["Properties"]["Runtime"], "provided.al2023");
}

fn no_value() -> Value {
    json!({"Ref": "AWS::NoValue"})
}

/// A stack that delivers directly has what it always had.
#[test]
fn only_a_stack_with_a_queue_has_more_than_the_function() {
    let queues_own: Vec<String> = resources()
        .into_iter()
        .filter(|(_, it)| it["Condition"] == "HasQueue")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        queues_own,
        [
            "DeadLetterQueue",
            "DeadLetterQueuePolicy",
            "DeadLettersAlarm",
            "Queue",
            "QueueAgeAlarm",
            "QueueCredentialsAlarm",
            "QueueErrorsAlarm",
            "QueueFunction",
            "QueueFunctionRole",
            "QueuePolicy",
            "QueueSource",
            "QueueStalledAlarm",
            "QueueTransformAlarm",
            "QueueUndeliveredAlarm",
        ]
    );
    let template = transformed();
    assert_eq!(template["Parameters"]["Delivery"]["Default"], "direct");
    let is = |mode| json!({"Fn::Equals": [{"Ref": "Delivery"}, mode]});
    assert_eq!(template["Conditions"]["HasQueue"], json!({"Fn::Not": [is("direct")]}));
    assert_eq!(template["Conditions"]["SendsToQueue"], is("queue"));
    // Whatever else names one of them does so under their condition.
    for (name, resource) in resources() {
        if resource["Condition"] != "HasQueue" {
            let unconditional = unconditionally(&resource).to_string();
            let named = queues_own.iter().find(|it| unconditional.contains(&format!("\"{it}\"")));
            assert_eq!(named, None, "{name}");
        }
    }
}

/// Without what depends on there being a queue.
fn unconditionally(node: &Value) -> Value {
    const OF_QUEUES: [&str; 2] = ["HasQueue", "SendsToQueue"];
    match node {
        Value::Object(parts) => {
            let condition = node["Fn::If"][0].as_str();
            if condition.is_some_and(|it| OF_QUEUES.contains(&it)) {
                return unconditionally(&node["Fn::If"][2]);
            }
            parts.iter().map(|(name, part)| (name.clone(), unconditionally(part))).collect()
        }
        Value::Array(parts) => parts.iter().map(unconditionally).collect(),
        _ => node.clone(),
    }
}

/// Before the webhook function puts anything into the queue there must be somebody who takes it out.
#[test]
fn the_webhook_function_is_changed_after_all_that_the_queue_needs() {
    let url = &environment("Function")["QUEUE_URL"]["Fn::If"][1]["Fn::Select"][1];
    for before in ["QueueSource", "QueuePolicy", "DeadLetterQueuePolicy"] {
        assert!(url.as_array().unwrap().contains(&json!({"Ref": before})), "{before}: {url}");
    }
}

#[test]
fn queues_outlive_the_stack_and_keep_a_message_until_it_is_too_old() {
    for name in ["Queue", "DeadLetterQueue"] {
        let queue = &resources()[name];
        // Its policy stays with it.
        for kept in [queue, &resources()[&format!("{name}Policy")]] {
            assert_eq!(
                (&kept["DeletionPolicy"], &kept["UpdateReplacePolicy"]),
                (&json!("Retain"), &json!("Retain"))
            );
        }
        let properties = &queue["Properties"];
        assert_eq!(properties["SqsManagedSseEnabled"], true);
        assert_eq!(properties["MessageRetentionPeriod"], 14 * 24 * 3_600);
        let policy = &resources()[&format!("{name}Policy")]["Properties"];
        assert_eq!(policy["Queues"], json!([{"Ref": name}]));
        let [statement] = policy["PolicyDocument"]["Statement"].as_array().unwrap().as_slice()
        else {
            panic!("{policy}")
        };
        assert_eq!((&statement["Effect"], &statement["Principal"]), (&json!("Deny"), &json!("*")));
        assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
        assert_eq!(statement["Resource"], arn(name));
        for action in ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"]
        {
            let action = json!(format!("sqs:{action}"));
            assert!(statement["Action"].as_array().unwrap().contains(&action), "{action}");
        }
    }
    let queue = resources()["Queue"]["Properties"].clone();
    assert_eq!(queue["VisibilityTimeout"], 1_800);
    let redrive = &queue["RedrivePolicy"];
    assert_eq!(redrive["deadLetterTargetArn"], arn("DeadLetterQueue"));
    let receives = redrive["maxReceiveCount"].as_u64().unwrap();
    assert_eq!(receives, 1_000);
    assert!(receives * 1_800 > 14 * 24 * 3_600, "age comes before the count");
}

#[test]
fn lambda_hands_the_queue_function_batches_and_deletes_only_what_it_has_done() {
    let [source] = of_type("AWS::Lambda::EventSourceMapping").try_into().unwrap();
    assert_eq!(source["EventSourceArn"], arn("Queue"));
    assert_eq!(source["FunctionName"], json!({"Ref": "QueueFunction"}));
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    let concurrency = json!({"Ref": "QueueConcurrency"});
    assert_eq!(source["ScalingConfig"]["MaximumConcurrency"], concurrency);
    // Never above a reserved concurrency: there is none, or it is the same.
    let function = resources()["QueueFunction"]["Properties"].clone();
    let reserved = json!({"Fn::If": ["ReservesForQueue", concurrency, no_value()]});
    assert_eq!(function["ReservedConcurrentExecutions"], reserved);
    assert_eq!((&function["Handler"], &function["Timeout"]), (&json!("queue"), &json!(60)));
    let parameters = transformed()["Parameters"].clone();
    let number = |name: &str, rule| parameters[name][rule].as_u64().unwrap();
    assert_eq!(
        (number("QueueConcurrency", "MinValue"), number("QueueConcurrency", "MaxValue")),
        (2, 1_000)
    );
    assert!(number("QueueConcurrency", "Default") >= 2);
    // More than ten need a window; and a function's messages must not come back while it has them.
    assert_eq!(number("QueueBatchWindowSeconds", "MinValue"), 1);
    assert_eq!(number("QueueBatchSize", "MaxValue"), 1_000);
    let window = number("QueueBatchWindowSeconds", "MaxValue");
    assert!(6 * 60 + window <= 1_800, "AWS asks for six timeouts and the window");
}

/// What the dashboard shows in a mode.
fn dashboard(has_queue: bool) -> Value {
    let dashboard = resources()["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"].clone();
    let widgets = &dashboard[1]["QueueWidgets"]["Fn::If"];
    assert_eq!(widgets[0], "HasQueue");
    let widgets = if has_queue { &widgets[1]["Fn::Sub"] } else { &widgets[2] };
    let body = dashboard[0].as_str().unwrap().replace("${QueueWidgets}", widgets.as_str().unwrap());
    serde_json::from_str(&body).unwrap()
}

#[test]
fn the_dashboard_shows_the_queue_where_there_is_one() {
    assert_eq!(dashboard(false)["widgets"].as_array().unwrap().len(), 5);
    let body = dashboard(true).to_string();
    for metric in [
        "OldestSeconds",
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "DeadLetters",
        "LateEvents",
        "delivered / attempts",
    ] {
        assert!(body.contains(metric), "{metric}");
    }
    let mut places = Vec::new();
    for widget in dashboard(true)["widgets"].as_array().unwrap() {
        let place = (widget["x"].as_u64(), widget["y"].as_u64());
        assert!(!places.contains(&place), "{place:?} has two");
        places.push(place);
    }
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
        let names = [
            "FunctionName",
            "TopicName",
            "LogGroupName",
            "AlarmName",
            "RoleName",
            "QueueName",
            "Name",
        ];
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
    let function = resources()["Function"]["Properties"].clone();
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
    assert_eq!(alarms.len(), 18);
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
    for (name, parameter) in [
        ("ErrorsAlarm", "MemorySize"),
        ("ThrottlesAlarm", "ReservedConcurrency"),
        ("QueueErrorsAlarm", "QueueMemorySize"),
        ("QueueStalledAlarm", "QueueConcurrency"),
    ] {
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

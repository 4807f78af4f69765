"""`make deploy` with the real SAM CLI, against AWS on this machine: the parameters that arrive, over a stack's life."""

import subprocess

import pytest
from release import MACHINES

from ops import archive, package

STACK = "dodo-customerio"
MAIL = "AlarmEmail=ops@example.com"


def last(aws, stack=STACK):
    return aws.sent(stack)[-1]


def test_a_deployment_keeps_what_it_was_told(checkout, aws, release):
    """Over a first deployment, a plain one, one with a transform, and so on: only what is named changes."""
    built = {"PREBUILT": str(release())}
    steps = [
        ({"PARAMS": f'{MAIL} EventNames="payment.succeeded=Order Completed,refund.failed=" ReservedConcurrency=5'}, {}),
        ({}, {}),
        ({"TRANSFORM": "transforms/examples/segment.js"}, {"TransformFile": "examples/segment.js"}),
        (built, {}),
        ({**built, "PARAMS": "SilenceHours=6 CustomerIoRegion=eu"}, {"SilenceHours": "6", "CustomerIoRegion": "eu"}),
        ({"ARCH": "x86_64"}, {"Architecture": "x86_64"}),
        ({}, {}),
        ({**built, "TRANSFORM": "none"}, {"TransformFile": ""}),
    ]
    wanted = None
    for given, change in steps:
        text = checkout.deploy(**given)
        arrived = last(aws)
        if wanted is None:
            wanted = arrived["parameters"]
            assert wanted["AlarmEmail"] == "ops@example.com"
            assert wanted["EventNames"] == "payment.succeeded=Order Completed,refund.failed="
            assert wanted["ReservedConcurrency"] == "5"
        wanted = {**wanted, **change}
        assert arrived["parameters"] == wanted, given
        assert arrived["machine"] == MACHINES[wanted["Architecture"]], given
        assert arrived["executed"] == (given != {}) or "is up to date" in text
        for name, value in change.items():
            assert f"{name}: " in text and f"-> {value or '(empty)'}" in text
        transform = wanted["TransformFile"]
        assert (f"transforms/{transform}" if transform else "the built-in one") in text.split("transform: ")[1]
    assert checkout.answers()["parameters"] == wanted
    builds = (checkout.folder / "builds").read_text().splitlines()
    assert len(builds) == sum("PREBUILT" not in given for given, _ in steps), "one for both functions"


def test_a_second_stack_inherits_nothing(prebuilt, aws):
    prebuilt.deploy(PARAMS=MAIL, TRANSFORM="examples/segment.js")
    prebuilt.deploy(STACK="second")
    first, second = last(aws), last(aws, "second")
    assert (second["parameters"]["AlarmEmail"], second["parameters"]["TransformFile"]) == ("", "")
    prebuilt.deploy()
    assert last(aws)["parameters"] == first["parameters"]


def test_what_another_checkout_changed_is_kept(prebuilt, aws):
    """Where this folder's answers are older than the stack, or are gone."""
    prebuilt.deploy(PARAMS=MAIL)
    kept = (prebuilt.folder / ".stacks" / f"{STACK}.json").read_text()
    prebuilt.deploy(PARAMS="SilenceHours=6")
    (prebuilt.folder / ".stacks" / f"{STACK}.json").write_text(kept)
    prebuilt.deploy(PARAMS="CustomerIoRegion=eu")
    (prebuilt.folder / ".stacks" / f"{STACK}.json").unlink()
    prebuilt.deploy(PARAMS="MemorySize=256")
    parameters = last(aws)["parameters"]
    assert (parameters["AlarmEmail"], parameters["SilenceHours"], parameters["CustomerIoRegion"]) == ("ops@example.com", "6", "eu")


def test_answers_of_samconfig_are_taken_over_once(prebuilt, aws):
    file = prebuilt.folder / "samconfig.toml"
    old = file.read_text() + 'region = "us-west-2"\nparameter_overrides = "CustomerIoRegion=\\"eu\\" EventNames=\\"payment.succeeded=Order \\\\\\"Completed\\\\\\"\\" MemorySize=\\"256\\""\n'
    file.write_text(old)
    text = prebuilt.deploy()
    assert "Taken from samconfig.toml, once" in text and "CustomerIoRegion=eu" in text
    arrived = last(aws)
    assert (arrived["region"], arrived["parameters"]["CustomerIoRegion"], arrived["parameters"]["MemorySize"]) == ("us-west-2", "eu", "256")
    assert arrived["parameters"]["EventNames"] == 'payment.succeeded=Order "Completed"'
    assert "Taken from" not in prebuilt.deploy()
    assert file.read_text() == old
    prebuilt.deploy(STACK="second")
    assert (last(aws, "second")["region"], last(aws, "second")["parameters"]["MemorySize"]) == ("eu-central-1", "128")


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_names_the_region_and_the_remembered_one_wins(prebuilt, aws, variable):
    del prebuilt.environment["AWS_DEFAULT_REGION"]
    prebuilt.deploy(**{variable: "eu-west-1"})
    assert last(aws)["region"] == "eu-west-1"
    well, text = prebuilt.run("doctor", **{variable: "us-east-1"})
    assert "Region eu-west-1, remembered" in text and "this shell says us-east-1" in text
    assert not well and "dodo_webhook_secret is still a placeholder" in text


def test_the_first_deployment_asks_little_and_asks_again_when_it_is_wrong(prebuilt, aws):
    """Region, then four parameters, of which one is wrong at first."""
    well, text = prebuilt.typed("deploy", ["eu-west-1", "mars", "eu", "email", "", "ops@example.com", "y"])
    assert well and text.count("]: ") == 7, text
    assert "It must be one of us, eu." in text
    arrived = last(aws)
    parameters = arrived["parameters"]
    assert (arrived["region"], parameters["CustomerIoRegion"], parameters["PersonIdentifier"]) == ("eu-west-1", "eu", "email")
    assert parameters["AlarmEmail"] == "ops@example.com" and arrived["executed"]
    # Later nothing is asked but whether to go on, unless everything shall be asked again.
    well, text = prebuilt.typed("deploy", ["y"], PARAMS="SilenceHours=6")
    assert well and text.count("]: ") == 1, text
    well, text = prebuilt.typed("deploy", [*["" for _ in parameters], "y"], GUIDED="1", PARAMS="AlarmEmail=")
    assert well and text.count("]: ") == len(parameters) + 1, text
    assert last(aws)["parameters"] == {**parameters, "SilenceHours": "6", "AlarmEmail": ""}


def test_a_no_leaves_nothing_behind(prebuilt, aws):
    well, text = prebuilt.typed("deploy", ["", "", "", "", "", "n"])
    assert not well and "Nothing was deployed" in text
    assert not aws.sent() and not prebuilt.remembers() and "There is no stack named" in prebuilt.fails("doctor")
    prebuilt.deploy()
    count = len(aws.sent())
    well, text = prebuilt.typed("deploy", ["n"], PARAMS=MAIL)
    assert not well and "AlarmEmail: (empty) -> ops@example.com" in text
    assert len(aws.sent()) == count
    well, text = prebuilt.run("destroy", YES="1")
    assert well, text


# What is wrong, the variables that bring it about, those that are missing, and what the sentence says.
WRONG = [
    ("parameter", {"PARAMS": "AlarmMail=ops@example.com"}, (), "no parameter AlarmMail. Did you mean AlarmEmail?"),
    ("capitals", {"PARAMS": "silencehours=5"}, (), "Did you mean SilenceHours? Type: make deploy"),
    ("variable", {"PARAMS": "EVENT_NAMES=a.b=c"}, (), "Did you mean EventNames?"),
    ("twice", {"PARAMS": "SilenceHours=5 CustomerIoRegion=eu SilenceHours=6"}, (), "PARAMS names SilenceHours twice"),
    ("two architectures", {"PARAMS": "Architecture=arm64", "ARCH": "x86_64"}, (), "ARCH says x86_64, but Architecture in PARAMS says arm64"),
    ("two transforms", {"PARAMS": "TransformFile=", "TRANSFORM": "examples/segment.js"}, (), "TransformFile in PARAMS says (empty)"),
    ("mail", {"PARAMS": "AlarmEmail=ops"}, (), "AlarmEmail must be an address such as ops@example.com"),
    ("url", {"PARAMS": "DodoApiUrl=api.example.com"}, (), "DodoApiUrl must begin with https://"),
    ("plain url", {"PARAMS": "CustomerIoTrackUrl=http://proxy.example.com"}, (), "CustomerIoTrackUrl must begin with https://"),
    ("events", {"PARAMS": "Events=payment.succeeded=Paid"}, (), "Events must be event types"),
    ("renames", {"PARAMS": "EventNames=payment.succeeded"}, (), "EventNames must be renames"),
    ("person", {"PARAMS": "PersonIdentifier=metadata."}, (), "PersonIdentifier must be customer_id, email or metadata.<key>"),
    ("value", {"PARAMS": "CustomerIoRegion=mars"}, (), "CustomerIoRegion must be one of us, eu"),
    ("number", {"PARAMS": "MemorySize=64"}, (), "MemorySize must be a number from 128 to 10240"),
    ("secret", {"PARAMS": "ExistingSecretArn=my-secret"}, (), "full ARN"),
    ("key", {"PARAMS": "ExistingSecretKmsKeyArn=alias/mine"}, (), "full ARN, not an alias"),
    ("text", {"PARAMS": "ops@example.com"}, (), "PARAMS must begin with a name"),
    ("architecture", {"ARCH": "riscv"}, (), "Architecture must be one of arm64, x86_64"),
    ("transform", {"TRANSFORM": "sgment.js"}, (), "There is no transforms/sgment.js. Did you mean TRANSFORM=examples/segment.js? There are: examples/failures.js,"),
    ("no transform", {"TRANSFORM": "."}, (), "There is no JavaScript file in transforms itself"),
    ("elsewhere", {"TRANSFORM": "/etc/passwd"}, (), "/etc/passwd is not in transforms/"),
    ("above", {"TRANSFORM": "../ops/web.py"}, (), "../ops/web.py is not in transforms/"),
    ("no script", {"PARAMS": "TransformFile=README.md"}, (), "transforms/README.md is not a JavaScript file"),
    ("transform fails", {"TRANSFORM": "examples/segment.js", "CHECK_FAILS": "1"}, (), "transforms/examples/segment.js does not pass the check"),
    ("stack", {"STACK": "my stack"}, (), "cannot be the name of a stack"),
    ("no credentials", {}, ("AWS_ACCESS_KEY_ID",), "Type: export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…, or export AWS_PROFILE="),
    ("no region", {}, ("AWS_DEFAULT_REGION",), "Type: export AWS_REGION="),
    ("no profile", {"AWS_PROFILE": "gone"}, (), "Type: export AWS_PROFILE="),
    ("nobody there", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, (), "AWS cannot be reached"),
    ("no target", {"NO_TARGET": "1"}, (), "Type: rustup target add aarch64-unknown-linux-gnu"),
    ("no rust", {"PATH": "/nonexistent"}, (), "The Rust toolchain is missing"),
    ("prebuilt", {"PREBUILT": "/nonexistent"}, (), "is neither a folder nor a zip"),
    ("no list", {"PREBUILT": "transforms"}, (), "has no SHA256SUMS, so it is not a release"),
    ("no terminal", {"YES": ""}, (), "Type: make deploy YES=1"),
    ("nobody to ask", {"YES": "", "GUIDED": "1"}, (), "GUIDED=1 asks for every parameter, and there is no terminal"),
    ("ask or not", {"GUIDED": "1"}, (), "Leave one out. Type: make deploy GUIDED=1"),
]


@pytest.mark.parametrize("name, variables, missing, sentence", WRONG, ids=[it[0] for it in WRONG])
def test_what_is_wrong_is_said_before_anything_is_built(checkout, aws, name, variables, missing, sentence):
    said = checkout.fails(without=missing, **variables)
    assert sentence in said and ("ype: " in said or "try again" in said)
    assert not (checkout.folder / "builds").exists() and not aws.sent() and not checkout.remembers()


def test_an_sso_login_that_has_expired_is_named(prebuilt):
    folder = prebuilt.folder / ".aws"
    (folder / "sso" / "cache").mkdir(parents=True)
    (folder / "config").write_text(
        "[profile work]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = eu-central-1\nsso_start_url = https://example.com/start\n"
    )
    said = prebuilt.fails(without=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), AWS_PROFILE="work")
    assert "Type: aws sso login --profile work" in said


def test_what_cloudformation_refuses_is_not_deployed_later(prebuilt, aws, release):
    """Whatever is refused after the checks here, for instance by a rule of the template."""
    folder = release()
    template = folder / "template.yaml"
    template.write_text(template.read_text().replace("    MaxValue: 10240\n", "    MaxValue: 10240\n    AllowedValues: [128]\n"))
    (folder / "SHA256SUMS").write_text(package.checksums(it for it in folder.iterdir() if it.name != "SHA256SUMS"))
    said = prebuilt.fails(PREBUILT=str(folder), PARAMS=f"{MAIL} MemorySize=256")
    assert "Nothing was deployed: " in said and "MemorySize" in said and not prebuilt.remembers()
    prebuilt.deploy()
    assert (last(aws)["parameters"]["AlarmEmail"], last(aws)["parameters"]["MemorySize"]) == ("", "128")
    told = prebuilt.answers()
    prebuilt.fails(PREBUILT=str(folder), PARAMS="MemorySize=256")
    assert prebuilt.answers() == told


def test_a_transform_is_tried_before_anything_is_built_or_changed(checkout, aws, release):
    checkout.deploy(TRANSFORM="./transforms/examples/segment.js")
    assert checkout.checks() == ["transforms/examples/segment.js"]
    # Also when it is only kept, since its file may have changed; and a release where there is Rust.
    assert "does not pass the check; nothing was deployed" in checkout.fails(CHECK_FAILS="1", PARAMS="SilenceHours=6")
    checkout.deploy(PREBUILT=str(release()), MAKEFLAGS="n")
    checkout.deploy(TRANSFORM="none")
    assert len(checkout.checks()) == 3
    assert last(aws)["parameters"]["TransformFile"] == ""


def test_without_rust_a_transform_is_only_read(checkout, aws, release):
    built = {"PREBUILT": str(release()), "PATH": "/usr/bin:/bin"}
    (checkout.folder / "transforms" / "mine.js").write_text("const odd = 1\n")
    assert "transforms/mine.js defines neither `function handler`" in checkout.fails(**built, TRANSFORM="mine.js")
    (checkout.folder / "transforms" / "mine.js").write_text("function extend(request) { return request }\n")
    assert "Note: transforms was read, but not run" in checkout.deploy(**built, TRANSFORM=".")
    assert (checkout.checks(), last(aws)["parameters"]["TransformFile"]) == ([], ".")


def test_a_dollar_sign_reaches_the_parameters(checkout, tmp_path):
    """Make would take it for a variable."""
    printer = checkout.folder / ".venv" / "bin" / "python"
    printer.parent.mkdir(parents=True)
    printer.write_text('#!/bin/sh\nprintf "%s" "$PARAMS"\n')
    printer.chmod(0o755)
    for part in ("ops/requirements.txt", "ops/requirements-build.txt", "tests/constraints.txt"):
        (checkout.folder / part).parent.mkdir(exist_ok=True)
        (checkout.folder / part).touch()
    for mark in (".ops", ".build"):
        (checkout.folder / ".venv" / mark).touch()
    for typed in ("metadata.$id", "metadata.$$id", "metadata.$(id", "two words"):
        command = ["/usr/bin/make", "--no-print-directory", "deploy", f"PARAMS=PersonIdentifier={typed}", "PREBUILT=x"]
        ran = subprocess.run(command, cwd=checkout.folder, env=checkout.environment, capture_output=True, text=True)
        assert ran.stdout == f"PersonIdentifier={typed.replace('$$', '$')}", ran


def test_credentials_of_another_account_stop(prebuilt, aws):
    prebuilt.deploy()
    file = prebuilt.folder / ".stacks" / f"{STACK}.json"
    file.write_text(file.read_text().replace('"123456789012"', '"999999999999"'))
    assert "was deployed to account 999999999999" in prebuilt.fails()


def test_a_program_for_another_architecture_is_not_uploaded(checkout, aws, release):
    assert "is built for x86_64, but the stack's Architecture is arm64" in checkout.fails(BUILDS_FOR="x86_64")
    assert "Architecture is arm64" in checkout.fails(PREBUILT=str(release(arm64="x86_64")))
    assert not aws.sent()


def test_a_build_that_fails_changes_nothing(checkout, aws):
    assert "The build failed; nothing was deployed" in checkout.fails(BUILD_FAILS="1", PARAMS=MAIL)
    assert not aws.sent()
    # Before there is a stack, the answers are kept for the next try.
    assert checkout.answers()["parameters"]["AlarmEmail"] == "ops@example.com"


def test_a_first_deployment_that_failed_is_repaired_by_the_next(prebuilt, aws):
    aws.control("fail", "")
    assert "Function: Resource handler said no" in prebuilt.fails(PARAMS=MAIL)
    for command in ("doctor", "secret", "logs", "connect"):
        well, text = prebuilt.run(command)
        assert not well and "ROLLBACK_COMPLETE" in text and "Type: make deploy" in text
    text = prebuilt.deploy()
    assert "ROLLBACK_COMPLETE" in text and "It is deleted first" in text
    assert last(aws)["parameters"]["AlarmEmail"] == "ops@example.com" and last(aws)["executed"]


def test_an_update_that_failed_is_rolled_back_and_said(prebuilt, aws):
    prebuilt.deploy()
    aws.control("fail", "")
    said = prebuilt.fails(PARAMS=MAIL)
    assert "failed and was rolled back: Function" in said and f"YES=1" in said and f"PARAMS={MAIL}" in said
    prebuilt.deploy()
    assert last(aws)["parameters"]["AlarmEmail"] == ""


def test_a_way_back_that_failed_is_gone_on_with(prebuilt, aws):
    prebuilt.deploy()
    aws.control(f"state/{STACK}", "UPDATE_ROLLBACK_FAILED")
    for command in ("doctor", "secret", "connect"):
        said = prebuilt.fails(command)
        assert "UPDATE_ROLLBACK_FAILED" in said and "Type: make deploy " in said and "which goes on with the way back first" in said
    aws.control("fail", "")
    assert "is still in the state UPDATE_ROLLBACK_FAILED" in prebuilt.fails(PARAMS=MAIL)
    assert len(aws.sent()) == 1
    prebuilt.deploy(PARAMS=MAIL)
    assert last(aws)["parameters"]["AlarmEmail"] == "ops@example.com" and last(aws)["executed"]


@pytest.mark.parametrize("state, sentence", [
    ("REVIEW_IN_PROGRESS", "never confirmed. Type: make deploy"),
    ("ROLLBACK_COMPLETE", "its first deployment failed. Type: make deploy"),
    ("DELETE_FAILED", "Type: make destroy"),
    ("CREATE_IN_PROGRESS", "Wait until it has ended. Type: make {command}"),
    ("DELETE_IN_PROGRESS", "Type: make destroy, which waits"),
])
def test_a_state_that_cannot_be_worked_with_is_named(prebuilt, aws, state, sentence):
    aws.control(f"state/{STACK}", state)
    for command in ("doctor", "secret", "logs", "connect"):
        well, text = prebuilt.run(command)
        assert not well and state in text and sentence.format(command=command) in text, text


@pytest.mark.parametrize("state", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_FAILED"])
def test_a_stack_that_cannot_be_deployed_to_now_is_left_alone(prebuilt, aws, state):
    aws.control(f"state/{STACK}", state)
    said = prebuilt.fails(PARAMS=MAIL)
    assert state in said and "Type: make " in said
    assert not aws.sent() and not prebuilt.remembers()


def test_a_stack_that_is_being_changed_is_not_deleted(prebuilt, aws):
    prebuilt.deploy()
    aws.control(f"state/{STACK}", "UPDATE_IN_PROGRESS")
    assert "another change is under way. Wait until it has ended. Type: make destroy" in prebuilt.fails("destroy")


def test_a_release_deploys_from_its_zip_and_a_functions(checkout, aws, release, tmp_path_factory):
    folder = release()
    whole = tmp_path_factory.mktemp("zip") / "release.zip"
    archive.write(whole, {f"dodo-customerio-0.1.0/{name}": it for name, it in archive.of_files(folder, ["*"]).items()})
    checkout.deploy(PREBUILT=str(whole), PARAMS=MAIL)
    assert last(aws)["machine"] == MACHINES["arm64"] and not (checkout.folder / "builds").exists()
    checkout.deploy(PREBUILT=str(folder / "dodo-customerio-0.1.0-x86_64.zip"), ARCH="x86_64")
    assert last(aws)["machine"] == MACHINES["x86_64"]


def test_who_deploys_a_release_is_told_to_deploy_it_again(checkout, aws, release):
    folder = release()
    checkout.deploy(PREBUILT=str(folder))
    aws.control(f"state/{STACK}", "ROLLBACK_COMPLETE")
    assert f"Type: make deploy PREBUILT={folder}, which" in checkout.fails("doctor")
    folder.rename(folder.with_suffix(".old"))
    assert "Type: make deploy, which" in checkout.fails("doctor")


def test_a_damaged_release_is_refused(checkout, aws, release):
    folder = release()
    file = folder / "template.yaml"
    file.write_text(file.read_text() + "\n")
    assert "template.yaml is not what SHA256SUMS says" in checkout.fails(PREBUILT=str(folder))
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if "template.yaml" not in line))
    assert "template.yaml is not what SHA256SUMS says" in checkout.fails(PREBUILT=str(folder))
    assert not aws.sent()


def test_destroy_says_what_is_final(prebuilt, aws):
    prebuilt.deploy()
    assert "Type: make destroy YES=1" in prebuilt.fails("destroy", YES="")
    well, text = prebuilt.run("destroy", YES="1")
    assert well and "The secret goes with it" in text and "aws-sam-cli-managed-default" in text and "Dodo goes on posting" in text
    assert "There is no stack named" in prebuilt.fails("destroy")
    assert not (prebuilt.folder / ".stacks" / f"{STACK}.json").exists()


def test_a_stack_of_another_template_is_left_alone(prebuilt, aws):
    """Deploying to it would delete what is in it."""
    aws.control(f"state/{STACK}", "CREATE_COMPLETE")
    for command in ("deploy", "destroy", "secret", "doctor", "connect"):
        text = prebuilt.fails(command, YES="1")
        assert "was made by another template; nothing was changed" in text and f"make {command} " in text and "STACK=…" in text, text


@pytest.mark.parametrize("command", ["destroy", "secret", "doctor", "connect", "logs"])
def test_a_stack_of_another_account_is_left_alone(prebuilt, command):
    prebuilt.deploy()
    file = prebuilt.folder / ".stacks" / f"{STACK}.json"
    file.write_text(file.read_text().replace("123456789012", "999999999999"))
    assert "was deployed to account 999999999999" in prebuilt.fails(command, YES="1")


def test_a_switch_is_yes_or_no(prebuilt):
    prebuilt.deploy()
    for no in ("0", "no"):
        assert "There is no terminal to ask in" in prebuilt.fails("destroy", YES=no)
    assert "YES=perhaps is neither yes nor no" in prebuilt.fails("destroy", YES="perhaps")


def test_an_empty_name_means_no_stack(prebuilt):
    assert "STACK is empty" in prebuilt.fails("destroy", YES="1", STACK=" ")


def test_another_front_door_has_another_address(prebuilt):
    prebuilt.deploy()
    text = prebuilt.deploy(PARAMS="FrontDoor=HttpApi")
    assert "The function gets another URL" in text and "Then: make connect" in text
    assert "Then: make doctor" in prebuilt.deploy(PARAMS="SilenceHours=6")


def test_a_backslash_is_refused(prebuilt):
    assert "must not have a backslash" in prebuilt.fails(PARAMS="EventNames='a.b=c\\\\'")


@pytest.mark.parametrize("written", ["[]", "null", '{"region": 5}', '{"parameters": []}', '{"parameters": {"SilenceHours": 6}}'])
def test_answers_that_somebody_changed_by_hand(prebuilt, written):
    folder = prebuilt.folder / ".stacks"
    folder.mkdir(exist_ok=True)
    (folder / f"{STACK}.json").write_text(written)
    assert "does not hold answers. Type: rm" in prebuilt.fails()


def test_checksums_as_other_tools_write_them(checkout, aws, release):
    folder = release()
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("  ", " *") + "\n")
    checkout.deploy(PREBUILT=str(folder))


@pytest.mark.parametrize(
    "typed, copied",
    [
        ({"PARAMS": "SilenceHours=6 AlarmMail=ops@example.com"}, "PARAMS='SilenceHours=6 AlarmEmail=ops@example.com'"),
        ({"PARAMS": "PersonIdentifer=metadata.user$b"}, "PARAMS='PersonIdentifier=metadata.user$$b'"),
        ({"PARAMS": "SilenceHours=5 CustomerIoRegion=us SilenceHours=6"}, "PARAMS='CustomerIoRegion=us SilenceHours=6'"),
        ({"PARAMS": "Architecture=x86_64 SilenceHours=5", "ARCH": "arm64"}, "PARAMS=SilenceHours=5 ARCH=arm64"),
    ],
)
def test_a_suggestion_can_be_copied(prebuilt, typed, copied):
    """With all that was typed beside the mistake, and safe from the shell and from make."""
    text = prebuilt.fails(**typed)
    assert f"{copied} YES=1" in text, text

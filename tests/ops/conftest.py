"""AWS on this machine, and checkouts of the parts that deploy."""

import contextlib
import json
import logging
import os
import pty
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from aws import serve
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from ops import package  # noqa: E402
from release import functions  # noqa: E402

HERE = Path(__file__).parent
PARTS = ("ops", "transforms", "template.yaml", "samconfig.toml", "Makefile")


class Aws:
    def __init__(self, url):
        self.url = url

    def made(self, name, parameters, function_url, region="eu-central-1"):
        """Makes a stack of the template without SAM."""
        self.control("url", function_url)
        client = self.client("cloudformation", region)
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        asked = {"StackName": name, "ChangeSetName": "made", "ChangeSetType": "CREATE", "Parameters": given}
        body = package.CODE.sub(r"\1''", (ROOT / "template.yaml").read_text())
        client.execute_change_set(ChangeSetName=client.create_change_set(**asked, TemplateBody=body)["Id"])

    def outputs(self, name, region="eu-central-1"):
        stack = self.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]
        return {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}

    def control(self, what, body=None):
        data = None if body is None else body.encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/stand-in/{what}", data=data)) as response:
            return json.load(response)

    def sent(self, stack=None):
        """Change sets so far, of one stack or of all."""
        return [it for it in self.control("sent") if stack in (None, it["stack"])]

    def client(self, service, region="eu-central-1"):
        import boto3

        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=region, endpoint_url=self.url, **keys)


@pytest.fixture(scope="session")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://127.0.0.1:%d" % server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def aws(moto):
    """Without a stack, for each test."""
    server = serve(moto)
    yield Aws(f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


class Checkout:
    """A copy of the parts that deploy, with a cargo that makes an ELF header instead of compiling, and a make that only checks."""

    def __init__(self, folder, url):
        self.folder = folder
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        # To SAM and to ops/ this is what marks sources.
        (folder / "Cargo.toml").write_text('[package]\nname = "dodo-customerio"\nversion = "0.1.0"\n')
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("cargo", "rustc", "make"):
            program = self.programs / name
            program.write_text(f"#!{sys.executable}\n" + (HERE / "toolchain.py").read_text())
            program.chmod(0o755)
        self.environment = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, command, without=(), input="", **variables):
        """Whether the command succeeded, and everything it printed."""
        environment = {key: value for key, value in {**self.environment, **variables}.items() if key not in without}
        program = [sys.executable, "-m", "ops", command]
        ran = subprocess.run(program, cwd=self.folder, env=environment, input=input, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert "Traceback" not in ran.stdout, ran.stdout
        return ran.returncode == 0, ran.stdout

    def typed(self, command, answers, **variables):
        """The same at a terminal, where the answers are typed."""
        terminal, inside = pty.openpty()
        environment = {**self.environment, **variables}
        program = [sys.executable, "-m", "ops", command]
        process = subprocess.Popen(program, cwd=self.folder, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
        os.close(inside)
        # Whoever asks for more gets an end of input.
        os.write(terminal, "".join(f"{answer}\n" for answer in answers).encode() + b"\x04")
        text = b""
        with contextlib.suppress(OSError):
            while part := os.read(terminal, 65536):
                text += part
        os.close(terminal)
        return process.wait() == 0, text.decode().replace("\r\n", "\n")

    def deploy(self, **variables):
        """Deploys without questions; what was printed."""
        well, text = self.run("deploy", YES="1", **variables)
        assert well, text
        return text

    def fails(self, command="deploy", without=(), **variables):
        """The one sentence of a command that fails."""
        well, text = self.run(command, without, **{"YES": "1", **variables})
        assert not well, text
        return text.strip().splitlines()[-1]

    def checks(self):
        """The transforms that were tried on all samples."""
        file = self.folder / "checks"
        return file.read_text().split() if file.exists() else []

    def remembers(self, stack="dodo-customerio"):
        return (self.folder / ".stacks" / f"{stack}.json").exists()

    def answers(self, stack="dodo-customerio"):
        return json.loads((self.folder / ".stacks" / f"{stack}.json").read_text())


@pytest.fixture
def checkout(tmp_path, aws):
    return Checkout(tmp_path, aws.url)


@pytest.fixture
def prebuilt(checkout, release):
    """A checkout that deploys a release instead of building."""
    checkout.environment["PREBUILT"] = str(release())
    return checkout


@pytest.fixture
def release(tmp_path_factory):
    """Makes the folder of a release whose programs are ELF headers."""

    def make(**wrong):
        folder = tmp_path_factory.mktemp("release")
        functions(folder, **wrong)
        return folder

    return make

"""Which paths `TRANSFORM=` takes, and what is looked at in the files."""

import json

import pytest
from conftest import ROOT

from ops import transforms
from ops.trouble import Trouble

TABLE = json.loads((ROOT / "tests" / "transform-paths.json").read_text())
GOOD = "function extend(request) { return request }\n"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "transforms"
    (folder / "examples").mkdir(parents=True)
    (folder / "empty").mkdir()
    for name in ("plans.js", "examples/segment.js"):
        (folder / name).write_text(GOOD)
    (folder / "README.md").write_text("no script")
    return folder


@pytest.fixture
def root(tmp_path):
    for name in TABLE["files"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize("case", TABLE["cases"], ids=[it["given"] for it in TABLE["cases"]])
def test_every_case_of_the_table_that_the_local_tools_share(root, case):
    given, folder = case["given"].replace("$ROOT", str(root)), root / "transforms"
    if case.get("deploys") is not None:
        assert transforms.resolved(given, folder) == case["deploys"]
        return
    with pytest.raises(Trouble) as raised:
        transforms.resolved(given, folder)
    said = str(raised.value)
    assert "Type: make deploy TRANSFORM=" in said
    if "missing" in case:
        nearest = f"Did you mean TRANSFORM={case['nearest']}? " if "nearest" in case else ""
        assert said.startswith(f"There is no {case['missing'].replace('$ROOT', str(root))}. {nearest}There are: "), said
    else:
        assert said.startswith(f"{given} is not in transforms/, the folder that is deployed. Copy a JavaScript file there."), said


@pytest.mark.parametrize("typed, sentence", [
    ("/etc/passwd", "/etc/passwd is not in transforms/"),
    ("/etc", "/etc is not in transforms/"),
    ("README.md", "transforms/README.md is not a JavaScript file"),
    ("transforms/.hidden.js", "transforms/.hidden.js is not a JavaScript file"),
])
def test_what_is_no_transform(folder, typed, sentence):
    (folder / ".hidden.js").write_text(GOOD)
    with pytest.raises(Trouble) as raised:
        transforms.resolved(typed, folder)
    assert sentence in str(raised.value) and "Type: make deploy TRANSFORM=" in str(raised.value)


def test_where_there_is_no_script_at_all(tmp_path):
    (tmp_path / "transforms").mkdir()
    with pytest.raises(Trouble, match="There is none at all; docs/javascript.md has one to copy"):
        transforms.resolved("plans.js", tmp_path / "transforms")


@pytest.mark.parametrize("content, problem", [
    (GOOD.encode(), None),
    (b"async function  handler(webhook) {}", None),
    (b"\x89PNG\xff", "is not text in UTF-8"),
    (b"function handler\0", "is not text"),
    (b"const other = 1", "defines neither `function handler` nor `function extend`"),
    (b"", "defines neither"),
])
def test_what_reading_a_file_shows(tmp_path, content, problem):
    file = tmp_path / "it.js"
    file.write_bytes(content)
    found = transforms.wrong(file)
    assert found is None if problem is None else problem in found


def test_a_file_that_cannot_be_read(tmp_path):
    assert "cannot be read" in transforms.wrong(tmp_path / "gone.js")


def test_files_of_a_folder(folder):
    assert [it.name for it in transforms.files(folder)] == ["plans.js"]
    assert [it.name for it in transforms.files(folder / "plans.js")] == ["plans.js"]

"""Imports go the way that ops/__init__.py says."""

import ast

from conftest import ROOT

FOLDER = ROOT / "ops"


def layers():
    """Each module's place in the list of the package's documentation."""
    text = ast.get_docstring(ast.parse((FOLDER / "__init__.py").read_text()))
    names = [name.split()[0] for line in text.splitlines() if line.startswith("    ") for name in line.split(",")]
    return {name: place for place, name in enumerate(names)}


def imported(file):
    """Modules of the package that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module] if node.module else [it.name for it in node.names]


def test_imports_go_down():
    places = layers()
    files = {file.stem: file for file in FOLDER.glob("*.py") if file.stem != "__init__"}
    assert set(places) == set(files)
    wrong = [f"{name} imports {other}" for name, file in files.items() for other in imported(file) if places[other] <= places[name]]
    assert not wrong

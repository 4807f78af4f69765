"""The JavaScript files that a deployment names: where they are, and whether they work."""

import difflib
import os
import re
import shutil
import subprocess
from pathlib import Path

from .hints import again, say
from .paths import ROOT, TRANSFORMS, has_sources
from .trouble import Trouble

# The whole folder, as the template's parameter names it.
ALL = "."
DEFINITION = re.compile(r"\bfunction\s+(handler|extend)\b|\b(handler|extend)\s*=")
# Make would pass these on to the make that it starts, with the variables of this command in them.
MAKES_OWN = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL")


def resolved(text, folder=TRANSFORMS):
    """The value of TransformFile for `transforms/plans.js`, `plans.js`, `.` or `none`.

    crates/local-tools/src/transform_path.rs has the same rules; tests/transform-paths.json keeps both alike.
    """
    if text in ("", "none"):
        return ""
    path = next((it for it in candidates(text, folder) if it.exists()), None)
    if path is None:
        raise Trouble(f"There is no {missing(text, folder)}.{meant(text, folder)} {there(folder)}")
    if not path.is_relative_to(folder):
        name = path.name if is_script(path) else "plans.js"
        raise Trouble(f"{text} is not in transforms/, the folder that is deployed. Copy a JavaScript file there. Type: make deploy TRANSFORM={name}")
    value = path.relative_to(folder).as_posix()
    if path.is_file() and not is_script(path):
        raise Trouble(f"{place(value)} is not a JavaScript file: its name does not end in .js. {there(folder)}")
    # The function does not read the files of subfolders.
    if path.is_dir() and not files(path):
        raise Trouble(f"There is no JavaScript file in {place(value)} itself. {there(folder)}")
    return value


def candidates(text, folder):
    """Where it may be: in the folder, or from the root of the checkout; an absolute path is both."""
    return [Path(os.path.normpath(base / text)) for base in (folder, folder.parent)]


def missing(text, folder):
    """What is not there, as somebody would look for it."""
    in_folder, in_root = candidates(text, folder)
    path = in_root if in_root.is_relative_to(folder) else in_folder
    return path if os.path.isabs(text) or not path.is_relative_to(folder.parent) else path.relative_to(folder.parent).as_posix()


def scripts(folder):
    """Everything that could be deployed, those of subfolders included."""
    return sorted(it.relative_to(folder).as_posix() for it in folder.rglob("*") if it.is_file() and is_script(it))


def meant(text, folder):
    """The script whose name is the most similar, if it is similar."""
    by_name = {stem(it): it for it in reversed(scripts(folder))}
    found = difflib.get_close_matches(stem(text.rstrip("/")), by_name, 1)
    return f" Did you mean TRANSFORM={by_name[found[0]]}?" if found else ""


def stem(place):
    return place.split("/")[-1].removesuffix(".js")


def there(folder):
    found = scripts(folder)
    listed = f"There are: {', '.join(found)}" if found else "There is none at all; docs/javascript.md has one to copy"
    return f"{listed}. Type: make deploy TRANSFORM=…, or TRANSFORM=none"


def is_script(path):
    """As the function reads a folder: hidden files are none."""
    return not path.name.startswith(".") and path.suffix.lower() == ".js"


def place(value):
    """Where it is, from the root of the checkout."""
    return "transforms" if value == ALL else f"transforms/{value}"


def check(value, folder=TRANSFORMS):
    """Runs the transform over all samples, with the tool that needs Rust; without, only looks at the files."""
    if not value:
        return
    for file in files(folder / value):
        problem = wrong(file)
        if problem:
            raise Trouble(f"transforms/{file.relative_to(folder).as_posix()} {problem}; nothing was deployed. Then type: {again('deploy')}")
    if has_tool():
        run(place(value))
    else:
        say(f"Note: {place(value)} was read, but not run: trying it on the samples needs a checkout and the Rust toolchain.")


def files(path):
    """The scripts that the function would read."""
    return [path] if path.is_file() else sorted(it for it in path.iterdir() if it.is_file() and is_script(it))


def wrong(file):
    """What keeps a file from being a transform, as far as reading it shows."""
    try:
        text = Path(file).read_bytes().decode()
    except OSError:
        return "cannot be read. Check its permissions"
    except UnicodeDecodeError:
        return "is not text in UTF-8. Save it as such"
    if "\0" in text:
        return "is not text. Is it the right file?"
    return None if DEFINITION.search(text) else "defines neither `function handler` nor `function extend`. See docs/javascript.md"


def has_tool():
    return has_sources() and bool(shutil.which("cargo"))


def run(path):
    say(f"==> try {path} on all samples", flush=True)
    environment = {name: value for name, value in os.environ.items() if name not in MAKES_OWN}
    command = ["make", "--no-print-directory", "check", f"TRANSFORM={path.replace('$', '$$')}"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    if ran.returncode != 0:
        raise Trouble(f"{path} does not pass the check; nothing was deployed. What is wrong is above. Then type: {again('deploy')}")

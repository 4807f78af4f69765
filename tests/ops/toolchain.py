"""Stands in for cargo, rustc and make: `cargo lambda build` makes an ELF header for the target that it is asked for,
and `make check` passes unless it is told to fail.
"""

import json
import os
import pathlib
import sys

arguments = sys.argv[1:]
here = pathlib.Path.cwd()
if pathlib.Path(sys.argv[0]).name == "rustc":
    library = here / "programs" / "lib" / arguments[arguments.index("--target") + 1]
    if not os.environ.get("NO_TARGET"):
        library.mkdir(parents=True, exist_ok=True)
        (library / "libstd-0.rlib").touch()
    print(library)
elif pathlib.Path(sys.argv[0]).name == "make":
    quiet, target, transform = arguments
    assert (quiet, target) == ("--no-print-directory", "check") and "MAKEFLAGS" not in os.environ, arguments
    with (here / "checks").open("a") as checks:
        checks.write(transform.removeprefix("TRANSFORM=") + "\n")
    if os.environ.get("CHECK_FAILS"):
        sys.exit("plans.js:3: it does not compile")
elif arguments[:1] == ["metadata"]:
    target = {"name": "dodo-customerio", "kind": ["bin"], "crate_types": ["bin"]}
    package = {"name": "dodo-customerio", "id": "0", "version": "0.1.0", "targets": [target], "manifest_path": str(here / "Cargo.toml")}
    print(json.dumps({"packages": [package], "target_directory": str(here / "target"), "workspace_members": ["0"], "resolve": {"root": "0"}}))
elif arguments[:2] == ["lambda", "build"]:
    if os.environ.get("BUILD_FAILS"):
        sys.exit("error: it does not compile")
    with (here / "builds").open("a") as builds:
        builds.write(" ".join(arguments) + "\n")
    made = "arm64" if "--arm64" in arguments else "x86_64"
    machine = {"arm64": 0xB7, "x86_64": 0x3E}[os.environ.get("BUILDS_FOR", made)]
    folder = here / "target" / "lambda" / "dodo-customerio"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bootstrap").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + bytes(44))

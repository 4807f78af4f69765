"""Releases whose programs are ELF headers: nothing here runs what Lambda would."""

from pathlib import Path

from ops import archive, package

MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}


def elf_header(architecture):
    """The beginning of a 64-bit program for Linux."""
    return b"\x7fELF\x02\x01\x01" + bytes(11) + MACHINES[architecture].to_bytes(2, "little") + bytes(44)


def functions(folder, **wrong):
    """The zips of the functions, the template and the checksums."""
    for architecture in MACHINES:
        program = elf_header(wrong.get(architecture, architecture))
        archive.write(folder / package.function_name("0.1.0", architecture), {"bootstrap": program})
    (folder / "template.yaml").write_text(package.template("0.1.0"))
    (folder / "SHA256SUMS").write_text(package.checksums(it for it in folder.iterdir() if it.is_file()))


def make(folder):
    """An unpacked release, with all that a deployment needs."""
    folder = Path(folder)
    for name, content in archive.of_files(package.ROOT, package.DEPLOYMENT).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    functions(folder)

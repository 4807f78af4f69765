"""Zips whose bytes depend on what is in them, and on nothing else: names in order, one time, one mode."""

import zipfile

# The earliest time that a zip can hold.
TIME = (1980, 1, 1, 0, 0, 0)
PROGRAM, DATA = 0o100755, 0o100644
UNIX = 3


def write(file, entries):
    """Writes `entries`: bytes by name; a name that ends in `bootstrap` is a program."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            archive.writestr(entry(name), entries[name], compresslevel=9)


def entry(name):
    info = zipfile.ZipInfo(name, TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = UNIX
    info.external_attr = (PROGRAM if name.split("/")[-1] == "bootstrap" else DATA) << 16
    return info


def of_files(folder, patterns):
    """The files that match, by their names below the folder."""
    files = sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}

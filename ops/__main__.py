"""The command line: `python -m ops COMMAND`. The Makefile says what each command is for."""

import importlib
import sys

from .hints import completed
from .trouble import Trouble

COMMANDS = ("deploy", "connect", "secret", "doctor", "logs", "destroy", "package")


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.exit("One of: " + ", ".join(COMMANDS))
    try:
        try:
            importlib.import_module(f"ops.{arguments[0]}").main()
        finally:
            # What was printed comes before the sentence that ends it, also in a file.
            sys.stdout.flush()
    except Trouble as trouble:
        sys.exit(completed(f"{trouble}."))
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is missing from the virtual environment. Type: rm -rf .venv, then the same again.")
    except OSError as error:
        sys.exit(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}. Put that right, then type the same again.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
    except EOFError:
        sys.exit("\nNo answer; nothing was changed.")


if __name__ == "__main__":
    main(sys.argv[1:])

"""The command line: `python -m ops COMMAND`. The Makefile says what each command is for."""

import importlib
import os
import sys
import traceback

from .hints import completed
from .trouble import Trouble

COMMANDS = ("deploy", "connect", "secret", "doctor", "logs", "redrive", "destroy", "backfill", "package")


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
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does. Python would complain when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}. Put that right, then type the same again.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
    except EOFError:
        sys.exit("\nNo answer; nothing was changed.")
    except Exception as error:
        sys.exit(mistake(arguments[0], error))


def mistake(command, error):
    """What nobody thought of. Its text may hold anything, so only its place is told."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {os.path.basename(place.filename)}:{place.lineno}"
    return f"This is a mistake of make {command}, not yours: {where}. Please report it, with the command that you typed."


if __name__ == "__main__":
    main(sys.argv[1:])

"""The commands behind `python -m course`, one module each, and what they share: errors in one line, files whole."""

import argparse
import os
from pathlib import Path


class UserError(Exception):
    """A fault that the user can mend: printed as one line, without a traceback. `code` is the exit status."""

    def __init__(self, message, code=1):
        super().__init__(" ".join(message.split()))
        self.code = code


def whole_number(low, high):
    """A type for argparse: a whole number from `low` to `high`."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise argparse.ArgumentTypeError(f"it must be a whole number from {low} to {high}, not {text!r}")
        return number

    return parse


def write_whole(path, data):
    """Write bytes to `path` whole or not at all: to a file beside it, then in its place.

    Raises UserError where that fails; what was at `path` before is then still there.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; make room or choose another place with --out"
        ) from error

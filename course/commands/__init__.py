"""The commands behind `python -m course`, one module each, and what they share: errors in one line, files whole."""

import argparse
import importlib
import inspect
import math

from course.files import write_whole


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


def number(low, high):
    """A type for argparse: a number from `low` to `high`."""

    def parse(text):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"it must be a number from {low} to {high}, not {text!r}")
        return number

    return parse


class Known:
    """Names as `choices` of argparse that are looked up when they are asked for: a parser imports nothing heavy."""

    def __init__(self, look_up):
        self.look_up = look_up

    def __iter__(self):
        return iter(self.look_up())

    def __contains__(self, name):
        return name in self.look_up()


def offered(room, argument):
    """The functions that a room offers and that take this argument: {name: function}."""
    public = {name: found for name, found in vars(importlib.import_module(f"course.{room}")).items() if name[0] != "_"}
    functions = {name: found for name, found in public.items() if inspect.isfunction(found)}
    return {name: found for name, found in functions.items() if argument in inspect.signature(found).parameters}


def usable_device(name):
    """The torch.device of this name, or the best one here for None. Raises UserError where it cannot be used."""
    from course import env

    try:
        return env.usable(name) if name else env.device()
    except ValueError as error:
        raise UserError(str(error)) from error


def write_out(path, data, option="--out"):
    """`files.write_whole` for commands. Raises UserError where that fails, naming the option by which another place can
    be chosen; what was at `path` is then still there."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; make room or choose another place with {option}"
        ) from error


def loaded(source, device, others=""):
    """The model, schedule and card of a network: of one that ships, else of a run, by its folder or file.

    Raises UserError for a name of neither, and OSError where the file is no good.
    """
    from pathlib import Path

    from course.training.checkpoints import load_model, pretrained
    from course.training.run import CHECKPOINT

    path = Path(source)
    try:
        return pretrained(source, device)
    except ValueError as error:
        if not path.exists():
            raise UserError(f"{path} is neither a folder nor a file of `train`, and {error}{others}", code=2) from error
    return load_model(path / CHECKPOINT if path.is_dir() else path, device)

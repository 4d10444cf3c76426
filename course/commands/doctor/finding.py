"""A finding of `doctor`, and what its probes share."""

from dataclasses import dataclass

INSTALL = "build the environment again: make lab, or pip install -e '.[lab]' in the course's folder"
BROKEN = (Exception,)  # a broken installation raises anything when it is imported; each probe tells what


@dataclass(frozen=True)
class Finding:
    """One line of the report: status is ok, note or fault; a fault has a fix, and `stops` what stops quick lessons."""

    name: str
    status: str
    text: str
    fix: str = ""
    stops: bool = False


def count(number, noun):
    """A number with its noun: "1 thread", "2 threads"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def why(error):
    """The first line of an error, or its type where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def existing(folder):
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())

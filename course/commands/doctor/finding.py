"""A finding of `doctor`, and what its probes share."""

from dataclasses import dataclass

INSTALL = "build the environment again: make lab, or pip install -e '.[lab]' in the course's folder"
BROKEN = (ImportError, OSError, RuntimeError, AttributeError)  # seen when a broken installation is imported


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

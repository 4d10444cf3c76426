"""`python -m course`: run the lessons, draw pictures from noise, and see what this machine has."""

import argparse
import os
import sys

from course import __version__
from course.commands import (
    UserError,
    doctor,
    export,
    grade,
    lessons,
    progress,
    quiz,
    sample,
    submit,
    train,
    train_latent,
    variant,
)
from course.commands.publish import run, slides

EXAMPLES = """examples:
  python -m course run 02                               lesson 02 with its figures, in build/02_forward_process.html
  python -m course slides 02 --execute                  the same as slides, in 02_forward_process.slides.html
  python -m course sample digits -n 64 --out grid.png   64 digits out of noise
  python -m course train --data mnist --minutes 5 --out runs/mnist
  python -m course sample runs/mnist --label 7 --scale 2 --out sevens.png
  python -m course progress                             what you have done, and where to go on
  python -m course doctor                               is everything here that the lessons need?
"""
COMMANDS = (
    *(run, slides, lessons, quiz, progress, variant),  # to learn and to show
    *(submit, grade, export),  # to mark
    *(train, sample, train_latent, doctor),
)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where the help is."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser():
    """The parser of the whole command line; each command adds its own part, and nothing heavy is imported."""
    whole = _Parser(
        prog="python -m course",
        description="From Noise to Images: a course on diffusion models.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"noise-to-images {__version__}")
    commands = whole.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in (
        run,
        slides,
        lessons,
        quiz,
        progress,
        variant,
        submit,
        grade,
        export,
        train,
        sample,
        train_latent,
        doctor,
    ):
        command.add_to(commands)
    return whole


def main(arguments=None):
    """Run one command; returns the exit status: 0 well, 1 something failed, 2 wrong use, 130 stopped by Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter that a narrow console lacks must not undo what was done
            stream.reconfigure(errors="replace")
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone, as in `doctor | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again at its end
        return 1


def _run(arguments):
    whole, name = parser(), "python -m course"
    try:
        chosen = whole.parse_args(arguments)
        if not chosen.command:
            whole.print_help()
            return 0
        name += f" {chosen.command}"
        return chosen.main(chosen)
    except UserError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.code
    except ImportError as error:
        if (error.name or "course").partition(".")[0] == "course":  # ours: a bug, so show where
            raise
        print(f"{name}: {error}; python -m course doctor says what to do", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""`python -m course`: run the lessons, draw pictures from noise, and see what this machine has."""

import argparse
import os
import sys

from course import __version__
from course.commands import UserError, doctor, progress, quiz, sample, train, train_latent
from course.commands.publish import run

EXAMPLES = """examples:
  python -m course run 02                               lesson 02 with its figures, in build/02_forward_process.html
  python -m course sample digits -n 64 --out grid.png   64 digits out of noise
  python -m course train --data mnist --minutes 5 --out runs/mnist
  python -m course sample runs/mnist --label 7 --scale 2 --out sevens.png
  python -m course progress                             what you have done, and where to go on
  python -m course doctor                               is everything here that the lessons need?
"""


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
    for command in (run, train, sample, train_latent, quiz, progress, doctor):
        command.add_to(commands)
    return whole


def main(arguments=None):
    """Run one command; returns the exit status: 0 well, 1 something failed, 2 wrong use, 130 stopped by Ctrl-C."""
    whole = parser()
    chosen = whole.parse_args(arguments)
    try:
        status = chosen.main(chosen) if chosen.command else whole.print_help() or 0
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"python -m course {chosen.command}: {error}", file=sys.stderr)
        return error.code
    except ImportError as error:
        if (error.name or "course").partition(".")[0] == "course":  # ours: a bug, so show where
            raise
        print(f"python -m course {chosen.command}: {error}; python -m course doctor says what to do", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"python -m course {chosen.command}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as in `doctor | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again at its end
        return 1


if __name__ == "__main__":
    sys.exit(main())

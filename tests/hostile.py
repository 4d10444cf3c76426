"""Run a lesson as it stands, in this folder and environment: python tests/hostile.py LESSON.ipynb [--on cuda].

With --on the lesson believes that such a device is here (tests/pretend.py). The cells run in this very process, because
a user without a home may not be allowed to start another; nothing is written. Each cell that fails is named with its
error; the exit status is 1 where there is one. `make hostile` runs all lessons so, in all places.
"""

import argparse
import contextlib
import io
import sys
from pathlib import Path

import nbformat


def errors(notebook):
    """Run the code cells of a notebook, one after another; yields "cell-id: TypeError: ..." for each that fails."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                done = shell.run_cell(cell.source)
            if error := done.error_before_exec or done.error_in_exec:
                yield f"{cell.id}: {type(error).__name__}: {error}"


def main():
    """Run the lesson that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(description="Run a lesson in this folder and environment, and name what fails.")
    parser.add_argument("lesson", type=Path)
    parser.add_argument("--on", choices=("cuda", "mps"), help="pretend that this device is here")
    chosen = parser.parse_args()
    if chosen.on:
        import pretend

        pretend.on(chosen.on)
    found = list(errors(nbformat.read(chosen.lesson, as_version=4)))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

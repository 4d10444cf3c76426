"""`python -m course run`: execute lessons offline and write each, with its figures, as one HTML file."""

import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from course.commands import UserError, write_out
from course.env import PACKAGE

NOTEBOOKS = PACKAGE.parent / "notebooks"  # of the checkout
CELL_SECONDS = 120  # what one cell may take in a quick run


@dataclass(frozen=True)
class Outcome:
    """How one lesson went: seconds from start to end, its budget in seconds or None, what failed or None."""

    name: str
    seconds: float
    budget: float | None
    fault: str | None


def add_to(commands):
    """Add `run` to the commands of the parser."""
    run = commands.add_parser(
        "run",
        help="execute lessons and write them as HTML",
        description="Execute lessons, each in a fresh kernel of this Python, and write them with their figures as HTML "
        "that reads without a network. What they answer is nobody's progress. Of notebooks that are called alike, as "
        "those that many have handed in, each page goes into a folder as its notebook lies in one.",
        epilog="example: python -m course run 01 02 --out build",
    )
    run.add_argument("notebooks", nargs="*", help="numbers (02), names (02_forward_process) or paths; default: all")
    run.add_argument("--budget", choices=("quick", "full"), help="default: COURSE_BUDGET, else quick")
    run.add_argument("--out", type=Path, default=Path("build"), metavar="FOLDER", help="default: build")
    run.set_defaults(main=main)


def main(chosen):
    """Run the chosen lessons, one after the other, whatever becomes of each. Raises UserError for a wrong use."""
    paths, budget = find(chosen.notebooks), budget_of(chosen.budget)
    with needs_lab():
        import nbformat  # noqa: F401 - `_read` needs it
        from tqdm import tqdm

        from course.commands.publish import index, kernel, page
    _make(chosen.out)
    index.keep_foreign(chosen.out)
    notebooks, outcomes = _read(paths)
    names = pages(notebooks)
    cells = sum(cell.cell_type == "code" for notebook in notebooks.values() for cell in notebook.cells)
    patience = 0.1 if sys.stderr.isatty() else 10  # seconds between two drawings; a log needs few
    with tqdm(total=cells, unit="cell", mininterval=patience, maxinterval=patience) as bar:
        for path, notebook in notebooks.items():
            name = names[path]
            bar.set_description(name)
            start = time.perf_counter()
            fault = kernel.execute(notebook, path.parent, budget, CELL_SECONDS, bar.update)
            seconds = time.perf_counter() - start
            html, complaints = page.html_page(notebook, path.stem, path.parent)
            for complaint in ([fault] if fault else []) + complaints:
                bar.write(f"{name}: {complaint}", file=sys.stderr)
            _make((chosen.out / name).parent)
            write_out(chosen.out / f"{name}.html", html)
            promised = notebook.metadata.get("course", {}).get("budget_seconds") if budget == "quick" else None
            outcomes.append(Outcome(name, seconds, promised, fault))
    if notebooks:
        index.write_index(chosen.out)
    print(table(outcomes))
    print(f"{len(notebooks)} page{'s' * (len(notebooks) != 1)} in {chosen.out}")
    return int(any(outcome.fault for outcome in outcomes))


def budget_of(asked):
    """The budget that is asked for, else that of COURSE_BUDGET, else "quick". Raises UserError for another word."""
    budget = asked or os.environ.get("COURSE_BUDGET") or "quick"
    if budget not in ("quick", "full"):
        raise UserError(f"COURSE_BUDGET is {budget!r}; it must be 'quick' or 'full'", code=2)
    return budget


@contextmanager
def needs_lab():
    """The block imports what comes with the extra `lab`. Raises UserError where a package is missing."""
    try:
        yield
    except ImportError as error:
        if (error.name or "course").partition(".")[0] == "course":  # ours: a bug, so show where
            raise
        raise UserError(f"{error.name} is missing; in the course's folder: pip install -e '.[lab]'") from error


def _make(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {folder}: {error.strerror}; name a folder of yours, such as --out ~/pages, and "
            "copy the lessons to one if you want to change them: python -m course lessons --to ~/lessons"
        ) from error


def _read(paths):
    """The notebooks that are such, {path: notebook}, and an Outcome of each that is none, which is also said."""
    import nbformat

    notebooks, outcomes = {}, []
    for path in paths:
        try:
            notebooks[path] = nbformat.read(path, as_version=4)
        except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
            outcomes.append(Outcome(path.stem, 0.0, None, f"not a notebook: {error}"))
            print(f"{path.stem}: not a notebook: {_first_line(error)}", file=sys.stderr)
    return notebooks, outcomes


def find(names, folder=None):
    """The paths of the lessons that `names` mean, each once; all in `folder` (default: the checkout's) for no name.

    A name is a path, the name of a notebook, or a lesson's number, which does not mean what goes further. Raises
    UserError for an unknown one, listing the known.
    """
    if folder is None:
        folder = NOTEBOOKS if NOTEBOOKS.is_dir() else Path("notebooks")
    known = {path.stem: path for path in _in(folder)}
    if not names and not known:
        raise UserError(f"there is no lesson in {folder}; name the notebooks to run", code=2)
    found = []
    for name in names or known:
        path, number = Path(name), f"{name:0>2}_"
        lesson = {stem for stem, path in known.items() if name.isdigit() and stem.startswith(number)}
        stems = [stem for stem in known if stem == name or (stem in lesson and known[stem].parent == folder)]
        if stems:
            found += [known[stem] for stem in stems]
        elif path.is_dir():
            found += _in(path)
        elif path.suffix == ".ipynb" and path.is_file():
            found.append(path)
        else:
            raise UserError(
                f"no lesson {name!r}; known: {', '.join(known) or 'none'}, or the path of a notebook", code=2
            )
    return list({path.resolve(): path for path in found}.values())


def _in(folder):
    """The notebooks of a folder: the lessons, then what goes further."""
    return sorted(folder.glob("*.ipynb")) + sorted(folder.glob("further/*.ipynb"))


def pages(paths):
    """The names of the pages of notebooks, without ending: {path: name}.

    What goes further lies in a folder of that name, as its notebook does, so that links between them hold.

    Where two notebooks are called alike, as those that many have handed in, every page lies in a folder as its
    notebook does below the folder that holds all. Raises UserError where no folder does.
    """
    paths = list(paths)
    if len({path.stem for path in paths}) == len(paths):
        return {
            path: f"further/{path.stem}" if path.resolve().parent.name == "further" else path.stem for path in paths
        }
    try:
        above = os.path.commonpath([path.resolve().parent for path in paths])
    except ValueError as error:  # on two drives of Windows
        raise UserError(
            "two of these notebooks are called alike, on different drives; run them apart", code=2
        ) from error
    return {path: path.resolve().relative_to(above).with_suffix("").as_posix() for path in paths}


def table(outcomes):
    """The seconds of each lesson beside its budget, as text."""
    width = max(len(name) for name in ("together", *(outcome.name for outcome in outcomes)))
    lines = [f"{'lesson':<{width}}  seconds  budget"]
    for outcome in outcomes:
        budget = "" if outcome.budget is None else f"{outcome.budget:g}"
        over = outcome.budget is not None and outcome.seconds > outcome.budget
        remark = "failed" if outcome.fault else "over its budget" if over else ""
        lines.append(f"{outcome.name:<{width}}  {outcome.seconds:>7.1f}  {budget:>6}  {remark}".rstrip())
    lines.append(f"{'together':<{width}}  {sum(outcome.seconds for outcome in outcomes):>7.1f}")
    return "\n".join(lines)


def _first_line(error):
    return re.sub(r"\s+", " ", str(error).strip().partition("\n")[0])

"""Fill a lesson: its questions get their right answers, and each stub the function of its name in a solution.

A stub is a code cell tagged `exercise` that defines one function `my_...`; tests/lessons/NN/solution.py holds a working
function of that name for each, and other.py the same functions written in another way.
"""

import ast
import re

from project import ROOT

from course.teaching import quiz
from course.teaching.quiz.marking import right_answer


def solution(number):
    """Where the filled exercises of lesson `number` ("04") are."""
    return ROOT / "tests/lessons" / number / "solution.py"


def other(number):
    """Where the same functions are, right as well and written differently."""
    return ROOT / "tests/lessons" / number / "other.py"


def functions(source):
    """The top-level functions `my_...` of a piece of Python, as {name: its source text}."""
    return {
        node.name: ast.get_source_segment(source, node)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("my_")
    }


def stubs(notebook):
    """The exercise cells of a notebook, as {function name: cell}; raises ValueError for a cell without one function."""
    found = {}
    for cell in notebook.cells:
        if "exercise" in cell.metadata.get("tags", []):
            names = list(functions(cell.source))
            if len(names) != 1 or names[0] in found:
                raise ValueError(f"an exercise cell must define one new function my_..., this one defines {names}")
            found[names[0]] = cell
    return found


def fill(notebook, solutions):
    """Put the functions of `solutions` (Python source) in place of the stubs; the notebook itself is changed.

    Imports at the top of the solutions come before each function. Raises ValueError for a stub without a solution; a
    solution without a stub may belong to another notebook of the lesson.
    """
    cells, answers = stubs(notebook), functions(solutions)
    if missing := cells.keys() - answers.keys():
        raise ValueError(f"stubs without a solution: {sorted(missing)}")
    imports = [
        ast.get_source_segment(solutions, node)
        for node in ast.parse(solutions).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    for name, cell in cells.items():
        cell.source = "\n".join([*imports, "", "", answers[name]])
    return notebook


def answer(notebook):
    """Put the right answer into each `ask("02-3")` that has a line of its own; guesses stay open. It changes it."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(r'^ask\("([^"]+)"\)$', _answered, cell.source, flags=re.MULTILINE)
    return notebook


def _answered(asked):
    return f"ask({asked[1]!r}, answer={right_answer(quiz.find(asked[1]))!r})"

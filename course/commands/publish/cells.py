"""What a cell is to one who reads and does not run: which questions it asks, whether it only draws, what folds it."""

import ast
import re
import sys
from pathlib import Path

from nbformat.v4 import new_output

from course.teaching.language import say

MACHINE = "machine"  # the tag of a cell whose output tells of the machine that ran it

SILENT = (ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)


def tags(cell):
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def title(notebook):
    """The text of the first heading, or None."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE)
            if heading:
                return heading[1].strip().replace("$", "")
    return None


def statements(cell):
    """The statements of a code cell; none where it is no Python, such as a line for the shell."""
    try:
        return ast.parse(cell.source).body if cell.cell_type == "code" else []
    except SyntaxError:
        return []


def speaks(cell):
    """Whether a code cell may show something: it does more than import, assign and define."""
    return any(not isinstance(node, SILENT) for node in statements(cell))


def asked(cell):
    """The questions that a cell asks, in order: (id, whether it only notes a guess)."""
    calls = [part for node in statements(cell) for part in ast.walk(node) if isinstance(part, ast.Call)]
    return [
        (call.args[0].value, any(word.arg == "later" and getattr(word.value, "value", 0) for word in call.keywords))
        for call in calls
        if getattr(call.func, "id", "") == "ask" and call.args and isinstance(call.args[0], ast.Constant)
    ]


def folds(notebook):
    """What code readers need not see at first: the summary of each such cell, by its place in the notebook.

    These are the setup, the cells of imports, those whose lines mostly draw, and those that are folded in Jupyter.
    """
    drawing, found = set(), {}
    for place, cell in enumerate(notebook.cells):
        code = statements(cell)
        if "setup" in tags(cell):
            found[place] = say("page.setup")
        elif 2 * sum(isinstance(node, ast.Import | ast.ImportFrom) for node in code) > len(code):
            found[place] = say("page.imports")
        elif _mostly_draws(code, drawing):
            found[place] = say("page.drawing")
        elif cell.cell_type == "code" and cell.metadata.get("jupyter", {}).get("source_hidden"):
            found[place] = say("page.code")
        drawing |= _imported_from_viz(code)
    return found


def _imported_from_viz(code):
    return {
        name.asname or name.name
        for node in code
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("course.viz.")
        for name in node.names
    }


def _mostly_draws(code, drawing):
    """Whether more than half of the lines draw: name what `drawing` holds, or what an earlier such line has made."""
    known, lines, drawn = set(drawing), 0, 0
    for node in code:
        names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
        size = node.end_lineno - node.lineno + 1
        lines += size
        if any(name.id in known for name in names):
            drawn += size
            known |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return 2 * drawn > lines


def hide_machine(cell):
    """Put a line in the place of what a cell tagged `machine` has shown: it is not the reader's machine. In place.

    Returns complaints: one where another cell shows a path of this machine.
    """
    if cell.cell_type != "code":
        return []
    if MACHINE in tags(cell):
        told = {"text/html": f"<p><em>{say('page.machine')}</em></p>"}
        cell.outputs = [new_output("display_data", data=told)] if cell.outputs else []
    paths = (str(Path(sys.prefix)), str(Path.home() / "x")[:-1])
    if not any(path in str(output) for output in cell.outputs for path in paths):
        return []
    return [f"a cell shows a path of this machine: {cell.source.strip()[:60]!r}; tag it `{MACHINE}`"]

"""The lessons with their proofs in them: python tests/prove.py writes build/lessons/, which `make test` then executes.

A proof is code that asserts, in a running lesson, what its prose says. tests/lessons/NN/proofs.py holds the proofs of a
lesson as blocks, each below a line `# %% after: <id of a cell>`; a learner does not see them.
"""

import ast
import re
from itertools import pairwise

import nbformat
from project import LESSONS, ROOT

from course.files import write_whole

HEAD = re.compile(r"# %% after: (\S+)\s*")


def proofs(number):
    """The text of the proofs of lesson `number` ("04")."""
    return (ROOT / "tests/lessons" / number / "proofs.py").read_text(encoding="utf-8")


def blocks(source):
    """The blocks of a proofs.py, in order: (id of the cell before it, code).

    Raises ValueError, with the line, for code before the first head, for a block without code, and for a wrong head.
    """
    lines = source.splitlines()
    heads = [number for number, line in enumerate(lines, 1) if line.startswith("# %%")]
    parts = ast.parse(source).body
    if ast.get_docstring(ast.Module(parts, [])) is not None:
        parts = parts[1:]
    if parts and not (heads and heads[0] < parts[0].lineno):
        raise ValueError(f"line {parts[0].lineno}: code before the first `# %% after: <id of a cell>`")
    found = []
    for number, end in pairwise([*heads, len(lines) + 1]):
        code = "\n".join(lines[number : end - 1]).strip("\n")
        head = HEAD.fullmatch(lines[number - 1])
        if not head:
            raise ValueError(f"line {number}: a head is `# %% after: <id of a cell>`")
        if not ast.parse(code).body:
            raise ValueError(f"line {number}: a block without code")
        found.append((head[1], code))
    return found


def with_proofs(notebook, source):
    """Put each block of `source` behind its cell, as a code cell tagged `proof`; the notebook itself is changed.

    Raises ValueError for an id that no cell of the notebook has.
    """
    after = {}
    for number, (id, code) in enumerate(blocks(source), 1):
        cell = nbformat.v4.new_code_cell(code, id=f"proof-{number}", metadata={"tags": ["proof"]})
        after.setdefault(id, []).append(cell)
    if unknown := after.keys() - {cell.id for cell in notebook.cells}:
        raise ValueError(f"no cell has the id {', '.join(sorted(unknown))}")
    notebook.cells = [each for cell in notebook.cells for each in (cell, *after.get(cell.id, ()))]
    return notebook


def write(folder):
    """Make the folder anew, with every lesson and its proofs in it."""

    def fill(part):
        part.mkdir()
        for path in LESSONS:
            lesson = with_proofs(nbformat.read(path, as_version=4), proofs(path.stem[:2]))
            write_whole(part / path.name, nbformat.writes(lesson) + "\n")

    folder.parent.mkdir(parents=True, exist_ok=True)
    write_whole(folder, fill)


if __name__ == "__main__":
    write(ROOT / "build/lessons")

"""The lessons with their proofs in them: python tests/prove.py writes build/lessons/, which `make test` then executes.

A proof is code that asserts, in a running lesson, what its prose says. tests/lessons/NN/proofs.py holds the proofs of a
lesson as blocks, each below a line `# %% after: <id of a cell>`; a learner does not see them. Those of a notebook in
notebooks/further/ are called after it: proofs_gan_vae.py for 01_gan_vae.ipynb. Every statement runs in a cell of its
own, so that one assert that fails hides no other, and says what it found.

With `--shift 1` every seed of a lesson is another one, with `--threads 2` it computes with so many threads whatever it
asks for: what holds then is true of more than one run. They go to build/shift-1 and build/threads-2; `make proofs` runs
them.
"""

import argparse
import ast
import re
from itertools import pairwise

import nbformat
from project import NOTEBOOKS, ROOT

from course.files import write_whole

# Put before a lesson's own code. By a large odd number, or seed 1 of a run would be seed 0 of another. torch.Generator
# is a class that cannot be changed, so another takes its name.
SHIFTED = """
import random, numpy, torch

BY = 49_979_687 * {by}

def _shifted(seed_by):
    return lambda seed=0, *more: seed_by((seed + BY) % 2**32, *more)

random.seed, numpy.random.seed = _shifted(random.seed), _shifted(numpy.random.seed)
torch.manual_seed = _shifted(torch.manual_seed)
_rng = numpy.random.default_rng

def _rng_shifted(seed=None):
    whole = seed if isinstance(seed, tuple) else (seed,)
    return _rng((*whole, BY) if BY and all(isinstance(part, int) for part in whole) else seed)

numpy.random.default_rng = _rng_shifted

class _Generator(torch.Generator):
    def manual_seed(self, seed):
        return super().manual_seed(seed + BY)

torch.Generator = _Generator
"""
THREADED = """
import torch

torch.set_num_threads({count})
torch.set_num_threads = lambda count: None
"""

HEAD = re.compile(r"# %% after: (\S+)\s*")


def place(path):
    """Where the proofs of the notebook at `path` are."""
    number, _, rest = path.stem.partition("_")
    name = f"proofs_{rest}.py" if path.parent.name == "further" else "proofs.py"
    return ROOT / "tests/lessons" / number / name


def proofs(path):
    """The text of the proofs of the notebook at `path`."""
    return place(path).read_text(encoding="utf-8")


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


def found(test):
    """What a test compares, as code: the parts of `a < b`, and of each in `all(a < b for a, b in pairs)`."""
    match test:
        case ast.Compare():
            return ast.Tuple([test.left, *test.comparators], ast.Load())
        case ast.Call(func=ast.Name(id="all" | "any"), args=[ast.GeneratorExp(elt=inside, generators=loops)]):
            return ast.ListComp(found(inside), loops)
        case ast.UnaryOp(op=ast.Not()):
            return found(test.operand)
        case ast.BoolOp():
            return ast.Tuple([found(part) for part in test.values], ast.Load())
        case _:
            return test


class _Telling(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Assert(node.test, node.msg or found(node.test))


def with_proofs(notebook, source):
    """Put each block of `source` behind its cell, as code cells tagged `proof`; the notebook itself is changed.

    Raises ValueError for an id that no cell of the notebook has.
    """
    after = {}
    for number, (id, code) in enumerate(blocks(source), 1):
        for k, statement in enumerate(ast.parse(code).body, 1):
            told = ast.unparse(_Telling().visit(statement))
            cell = nbformat.v4.new_code_cell(told, id=f"proof-{number}-{k}", metadata={"tags": ["proof"]})
            after.setdefault(id, []).append(cell)
    if unknown := after.keys() - {cell.id for cell in notebook.cells}:
        raise ValueError(f"no cell has the id {', '.join(sorted(unknown))}")
    notebook.cells = [each for cell in notebook.cells for each in (cell, *after.get(cell.id, ()))]
    return notebook


def with_prologue(notebook, code):
    """Put a code cell before all others; the notebook itself is changed."""
    notebook.cells.insert(0, nbformat.v4.new_code_cell(code.strip("\n"), id="prologue", metadata={"tags": ["proof"]}))
    return notebook


def write(folder, prologue=""):
    """Make the folder anew, with every lesson and its proofs in it, after a prologue where one is given."""

    def fill(part):
        (part / "further").mkdir(parents=True)
        for path in NOTEBOOKS:
            lesson = with_proofs(nbformat.read(path, as_version=4), proofs(path))
            lesson = with_prologue(lesson, prologue) if prologue else lesson
            write_whole(part / path.relative_to(ROOT / "notebooks"), nbformat.writes(lesson) + "\n")

    folder.parent.mkdir(parents=True, exist_ok=True)
    write_whole(folder, fill)


def main(arguments=None):
    """Write the lessons as asked for, and print where they are."""
    parser = argparse.ArgumentParser(description="Write the lessons with their proofs into build/.")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--shift", type=int, metavar="K", help="add K to every seed")
    other.add_argument("--threads", type=int, metavar="N", help="compute with N threads")
    chosen = parser.parse_args(arguments)
    name, prologue = "lessons", ""
    if chosen.shift is not None:
        name, prologue = f"shift-{chosen.shift}", SHIFTED.format(by=chosen.shift)
    if chosen.threads is not None:
        name, prologue = f"threads-{chosen.threads}", THREADED.format(count=chosen.threads)
    write(ROOT / "build" / name, prologue)
    print(ROOT / "build" / name)


if __name__ == "__main__":
    main()

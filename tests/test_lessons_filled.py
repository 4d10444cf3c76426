"""Every lesson runs from top to bottom, filled in and with its proofs, from an empty folder, and has full points."""

import ast

import nbformat
import pytest
from fill import answer, fill, functions, solution, stubs
from nbclient.exceptions import CellExecutionError
from project import LESSONS, NOTEBOOKS, execute
from prove import proofs, with_proofs

from course.teaching import events
from course.teaching.overview import overview

STUB = 'def my_double(x):\n    """Twice x."""\n    ...'


def notebook(*sources, tags=("exercise",)):
    cells = [nbformat.v4.new_code_cell(sources[0], metadata={"tags": list(tags)})]
    return nbformat.v4.new_notebook(cells=cells + [nbformat.v4.new_code_cell(source) for source in sources[1:]])


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_runs_filled_and_scores_full_points(path, tmp_path, monkeypatch):
    kept = tmp_path / "progress.sqlite3"
    monkeypatch.setenv("COURSE_PROGRESS", str(kept))
    (tmp_path / "empty").mkdir()
    lesson = nbformat.read(path, as_version=4)
    fill(lesson, solution(path.stem[:2]).read_text(encoding="utf-8"))
    execute(with_proofs(answer(lesson), proofs(path)), tmp_path / "empty")
    found = events.events(path=kept)
    assert all(event.right for event in found)
    marking = [cell.source for cell in lesson.cells if {"question", "check"} & {*cell.metadata.get("tags", [])}]
    assert len(found) == len(marking)
    if path in LESSONS:
        [row] = [row for row in overview(found).lessons if row.number == path.stem[:2]]
        assert row.done, f"{row.cells}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stubs_are_open_and_solutions_are_not(path):
    """Each stub has its `...` (that it runs so, `make test` shows), and a solution exists that has none."""
    lesson = nbformat.read(path, as_version=4)
    for name, cell in stubs(lesson).items():
        assert is_open(cell.source), f"{name} is no stub: it holds no `...`"
    if stubs(lesson):
        fill(lesson, solution(path.stem[:2]).read_text(encoding="utf-8"))
    for name, cell in stubs(lesson).items():
        assert not is_open(cell.source), f"the solution of {name} still holds `...`"


@pytest.mark.parametrize("number", sorted({path.stem[:2] for path in LESSONS}))
def test_every_solution_has_a_stub(number):
    mine = [nbformat.read(path, as_version=4) for path in NOTEBOOKS if path.stem[:2] == number]
    names = [name for lesson in mine for name in stubs(lesson)]
    assert sorted(names) == sorted(functions(solution(number).read_text(encoding="utf-8")))


def is_open(source):
    """Whether a line still waits to be written: `...` alone, assigned or returned; `r[..., None]` is no such line."""
    lines = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr | ast.Assign | ast.Return)]
    return any(isinstance(line.value, ast.Constant) and line.value.value is ... for line in lines)


def test_fill_replaces_the_stub_and_runs_it(tmp_path):
    lesson = notebook(STUB, "assert my_double(2.0) == 4.0")
    execute(notebook(STUB, "assert my_double(2.0) is None"), tmp_path)
    with pytest.raises(CellExecutionError, match="AssertionError"):
        execute(lesson, tmp_path)
    fill(lesson, "import math\n\n\ndef my_double(x):\n    return 2 * math.fabs(x)\n")
    execute(lesson, tmp_path)
    assert list(functions(lesson.cells[0].source)) == ["my_double"]
    assert is_open(STUB)
    assert is_open("def my_f(x):\n    y = ...\n    return y")
    assert not is_open("def my_f(r):\n    return r[..., None]")
    assert not is_open(lesson.cells[0].source)


def test_fill_refuses_a_stub_without_a_solution():
    with pytest.raises(ValueError, match=r"stubs without a solution: \['my_double'\]"):
        fill(notebook(STUB), "def my_half(x): return x / 2")


def test_an_exercise_cell_must_define_one_function():
    with pytest.raises(ValueError, match=r"this one defines \[\]"):
        stubs(notebook("x = 1"))
    with pytest.raises(ValueError, match="this one defines"):
        stubs(notebook(STUB + "\n\n" + STUB.replace("double", "half")))
    assert stubs(notebook("x = 1", tags=())) == {}

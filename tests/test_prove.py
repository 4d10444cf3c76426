"""The proofs come into the lessons whole, each behind its cell, and a false one fails the run."""

import ast
import copy

import nbformat
import prove
import pytest
from nbclient.exceptions import CellExecutionError
from project import NOTEBOOKS, ROOT, execute
from prove import SHIFTED, THREADED, blocks, main, place, proofs, with_prologue, with_proofs, write

SOURCE = '"""What it says."""\n\n# %% after: one\nassert x == 1\n\n# %% after: two\ny = 2\nassert y == 2\n'
each_lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def small():
    cells = [nbformat.v4.new_code_cell("x = 1", id="one"), nbformat.v4.new_markdown_cell("Two.", id="two")]
    return nbformat.v4.new_notebook(cells=cells)


def numbered(path):
    """A lesson, and the text of its proofs."""
    return nbformat.read(path, as_version=4), proofs(path)


def is_proof(cell):
    return "proof" in cell.metadata.get("tags", [])


def asserts(code):
    return sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(code)))


def planted(path):
    """A lesson up to its first proof, at whose end a false assert stands."""
    lesson, source = numbered(path)
    _, code = blocks(source)[0]
    with_proofs(lesson, source.replace(code, f'{code}\nassert False, "planted"'))
    last = next(number for number, cell in enumerate(lesson.cells) if "planted" in cell.source)
    lesson.cells = lesson.cells[: last + 1]
    return lesson


def test_blocks_are_read():
    assert blocks(SOURCE) == [("one", "assert x == 1"), ("two", "y = 2\nassert y == 2")]
    assert blocks(SOURCE.partition("\n\n")[2]) == blocks(SOURCE)  # a docstring need not be there
    assert blocks('"""Nothing yet."""\n') == []
    assert blocks("# a remark\n# %% after: a\n\nf()\n\n\n# %% after: a\ng()") == [("a", "f()"), ("a", "g()")]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('"""Said."""\n\nx = 1\n# %% after: one\nassert x\n', "line 3: code before the first"),
        ("assert x\n", "line 1: code before the first"),
        ("# %% after: one\n\n# %% after: two\nassert x\n", "line 1: a block without code"),
        ("# %% after: one\nassert x\n# %% after: two\n# soon\n", "line 3: a block without code"),
        ("# %% after: one\nassert x\n# %% two\nassert y\n", "line 3: a head is"),
        ("# %% after: one two\nassert x\n", "line 1: a head is"),
    ],
)
def test_what_is_no_block_is_refused(source, complaint):
    with pytest.raises(ValueError, match=complaint):
        blocks(source)


def test_a_block_comes_right_behind_its_cell():
    told = "# %% after: two\ny = 2  # why\nf(y)\n# %% after: one\ng(x)\n# %% after: two\nh()"
    cells = with_proofs(small(), told).cells
    assert [cell.source for cell in cells] == ["x = 1", "g(x)", "Two.", "y = 2", "f(y)", "h()"]
    assert [is_proof(cell) for cell in cells] == [False, True, False, True, True, True]
    nbformat.validate(with_proofs(small(), told))


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="no cell has the id three, zero"):
        with_proofs(small(), SOURCE + "\n# %% after: zero\nassert x\n\n# %% after: three\nassert x\n")


def test_a_true_proof_passes_and_a_false_one_fails(tmp_path):
    execute(with_proofs(small(), SOURCE), tmp_path)
    with pytest.raises(CellExecutionError, match="AssertionError"):
        execute(with_proofs(small(), SOURCE.replace("x == 1", "x == 2")), tmp_path)


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ("assert x == 2", "(1, 2)"),
        ("assert 0 < x < 1", "(0, 1, 1)"),
        ("assert all(x < k for k in (2, 1))", "[(1, 2), (1, 1)]"),
        ("assert x > 1 or x < 0", "((1, 1), (1, 0))"),
        ("assert not x", "1"),
        ("for k in (3, 1):\n    assert x != k", "(1, 1)"),
        ("assert x == 2, 'mine'", "mine"),
    ],
)
def test_a_false_proof_says_what_it_found(tmp_path, proof, said):
    with pytest.raises(CellExecutionError) as caught:
        execute(with_proofs(small(), f"# %% after: one\n{proof}"), tmp_path)
    assert caught.value.evalue == said


@each_lesson
def test_a_lesson_without_its_proofs_is_the_lesson(path):
    lesson, source = numbered(path)
    proved = with_proofs(copy.deepcopy(lesson), source)
    nbformat.validate(proved)
    assert len({cell.id for cell in proved.cells}) == len(proved.cells)
    assert len(proved.cells) == len(lesson.cells) + sum(len(ast.parse(code).body) for _, code in blocks(source))
    proved.cells = [cell for cell in proved.cells if not is_proof(cell)]
    assert proved == lesson


@each_lesson
def test_every_block_has_its_cell_in_the_order_of_the_lesson_and_asserts(path):
    lesson, source = numbered(path)
    places = [[cell.id for cell in lesson.cells].index(id) for id, _ in blocks(source)]
    assert places
    assert places == sorted(places)
    assert all(asserts(code) for _, code in blocks(source))


def test_the_lessons_are_written_whole(tmp_path):
    folder = tmp_path / "build/lessons"
    write(folder)
    (folder / "stale.ipynb").touch()
    write(folder)
    assert {path.relative_to(folder) for path in folder.rglob("*.ipynb")} == {
        path.relative_to(ROOT / "notebooks") for path in NOTEBOOKS
    }
    for path in NOTEBOOKS:
        lesson, source = numbered(path)
        written = nbformat.read(folder / path.relative_to(ROOT / "notebooks"), as_version=4)
        assert written == with_proofs(lesson, source)
    assert [path.name for path in folder.parent.iterdir()] == ["lessons"]


def test_every_lesson_has_a_folder_and_every_folder_a_lesson():
    folders = sorted(path.name for path in (ROOT / "tests/lessons").iterdir() if path.name != "__pycache__")
    assert folders == sorted({path.stem[:2] for path in NOTEBOOKS})
    for folder in folders:
        held = {path.name for path in (ROOT / "tests/lessons" / folder).glob("*.py")}
        proving = {place(path).name for path in NOTEBOOKS if path.stem[:2] == folder}
        assert {path for path in held if path.startswith("proofs")} == proving
        assert held - proving >= {"test_lesson.py", "solution.py", "other.py"}


def test_no_two_notebooks_are_called_alike():
    """Their pages, their figures and their names on the command line go by the stem."""
    assert len({path.stem for path in NOTEBOOKS}) == len(NOTEBOOKS)


def test_a_notebook_that_goes_further_has_proofs_of_its_own():
    assert place(ROOT / "notebooks/further/01_gan_vae.ipynb") == ROOT / "tests/lessons/01/proofs_gan_vae.py"
    assert place(ROOT / "notebooks/01_gan_vae.ipynb") == ROOT / "tests/lessons/01/proofs.py"


@pytest.mark.slow
@each_lesson
def test_a_planted_false_assert_fails_the_run(path, tmp_path):
    with pytest.raises(CellExecutionError, match="planted"):
        execute(planted(path), tmp_path)


DRAWN = """
import random, numpy, torch
from course.env import seed_all, seeded, threads
seed_all(0)
rng = numpy.random.default_rng((5, 1))
assert numpy.random.default_rng(rng) is rng  # as libraries ask for it
print(rng.random(), random.random(), numpy.random.rand())
print(torch.rand(1).item(), torch.rand(1, generator=seeded(3)).item(), threads(1))
"""


def said_after(prologue, tmp_path):
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(DRAWN)])
    execute(with_prologue(lesson, prologue), tmp_path)
    return lesson.cells[-1].outputs[0].text.split()


def test_a_prologue_changes_every_seed_or_the_threads(tmp_path):
    plain, other, same, two = (
        said_after(prologue, tmp_path)
        for prologue in ("pass", SHIFTED.format(by=1), SHIFTED.format(by=0), THREADED.format(count=2))
    )
    assert all(a != b for a, b in zip(plain[:5], other[:5], strict=True))
    assert same == plain
    assert (plain[5], two[5]) == ("1", "2")
    assert two[:5] == plain[:5]


WISHES = [([], "lessons"), (["--shift", "2"], "shift-2"), (["--threads", "2"], "threads-2")]


@pytest.mark.parametrize(("wish", "name"), WISHES)
def test_lessons_are_written_as_they_are_asked_for(tmp_path, monkeypatch, wish, name):
    (tmp_path / "notebooks").mkdir()
    copy = tmp_path / "notebooks" / NOTEBOOKS[0].name
    copy.write_bytes(NOTEBOOKS[0].read_bytes())
    found = proofs(NOTEBOOKS[0])
    monkeypatch.setattr(prove, "ROOT", tmp_path)
    monkeypatch.setattr(prove, "proofs", lambda path: found)
    monkeypatch.setattr(prove, "NOTEBOOKS", [copy])
    main(wish)
    [written] = (tmp_path / "build" / name).rglob("*.ipynb")
    first = nbformat.read(written, as_version=4).cells[0]
    assert (first.id == "prologue") == bool(wish)

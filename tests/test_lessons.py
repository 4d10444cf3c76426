"""What every lesson must hold: its parts in order, enough to guess, see and do, real questions, a budget; no proof."""

import ast
import re

import nbformat
import pytest
from nbclient import NotebookClient
from project import LESSONS

from course.teaching import quiz

REAL = [path for path in LESSONS if path.stem != "00_welcome"]  # the welcome teaches how, not what
AT_LEAST = {"predict": 6, "run": 6, "explain": 6, "exercise": 3}
FIGURE = re.compile(r'<img src="data:image/[^"]+" alt="([^"]*)"')
CPU_SECONDS = "import time as _time; print('CPU seconds', _time.process_time())"


def read(path):
    return nbformat.read(path, as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def asked(notebook):
    """The questions that a lesson asks, in order: (id, whether only a guess is noted, number of the cell)."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for node in ast.walk(ast.parse(cell.source)) if cell.cell_type == "code" else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ask":
                found.append((node.args[0].value, any(word.arg == "later" for word in node.keywords), number))
    return found


def asserting(notebook):
    """The ids of the code cells with an assert in them, at whatever depth."""
    return [
        cell.id
        for cell in notebook.cells
        if cell.cell_type == "code" and any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))
    ]


def words(text):
    """A text as one line without quotation of Markdown, to compare wording only."""
    return " ".join(text.replace("> ", " ").split())


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_opens_as_all_do(path):
    notebook = read(path)
    title, promise, badge, setup, imports = notebook.cells[:5]
    assert title.source.startswith(f"# {path.stem[:2]} ")
    for part in ("**You will be able to**", "**Time**", "**Before this**"):
        assert part in promise.source
    assert "TIME" not in promise.source, "the measured seconds are missing"
    assert badge.metadata.tags == ["badge"]
    assert setup.metadata.tags == ["setup"]
    assert imports.cell_type == "code"
    assert "import *" not in imports.source
    assert notebook.metadata.course.lesson == path.stem[:2]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_enough_to_guess_and_do(path):
    notebook = read(path)
    for tag, number in AT_LEAST.items():
        assert len(tagged(notebook, tag)) >= number, f"fewer than {number} cells tagged {tag}"
    assert len({id for id, _, _ in asked(notebook)}) >= 8
    assert len(tagged(notebook, "check")) >= len(tagged(notebook, "exercise"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_questions_are_those_of_the_quiz(path):
    notebook, questions = read(path), quiz.load(path.stem[:2])
    marked = [id for id, later, _ in asked(notebook) if not later]
    assert sorted(marked) == sorted(set(marked)), "a question is marked twice"
    assert set(marked) == set(questions), "every question of the quiz has its place, and no other is asked"
    prose = words("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))
    for id, question in questions.items():
        assert words(question.prompt["en"]) not in prose, f"{id} stands in the prose, too"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_guess_is_marked_after_the_run_that_tells(path):
    notebook = read(path)
    places = {(id, later): number for id, later, number in asked(notebook)}
    for (id, later), number in places.items():
        if later:
            between = notebook.cells[number : places[id, False]]
            assert any("run" in cell.metadata.get("tags", []) for cell in between), f"{id} is marked before its run"
            assert "guess" in notebook.cells[number].metadata.tags
    predicts = [number for number, cell in enumerate(notebook.cells) if "predict" in cell.metadata.get("tags", [])]
    for number in predicts if path in REAL else ():
        near = notebook.cells[number + 1 : number + 4]
        assert any("guess" in cell.metadata.get("tags", []) for cell in near), "a prediction has no place to note it"


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_what_draws_the_answer_to_a_guess_is_folded(path):
    """Its title and its alt text would tell before the cell runs."""
    guessing, drawn = False, 0
    for cell in read(path).cells:
        tags = cell.metadata.get("tags", [])
        guessing = "guess" in tags or (guessing and not {"question", "explain"} & {*tags})
        if guessing and cell.cell_type == "code" and "alt=" in cell.source:
            drawn += 1
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), f"{cell.id} tells before it runs"
    assert drawn >= 6


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_reads_as_a_lesson(path):
    """What proves it stands in tests/lessons/NN/proofs.py."""
    notebook = read(path)
    assert tagged(notebook, "proof") == []
    assert asserting(notebook) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:|attachment:|#)([^)]+)\)", prose):
        assert (path.parent / target.split("#")[0]).exists(), f"{target} is a dead link"


def test_the_checks_can_fail():
    sources = ['x = 1\nask("09-1", later=True)', 'ask("09-1")']
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    assert asked(notebook) == [("09-1", True, 0), ("09-1", False, 1)]
    assert words("What is it?") in words("**Question.** What\n> is it?")
    assert words("What was it?") not in words("**Question.** What\n> is it?")
    assert tagged(notebook, "predict") == []
    assert asserting(notebook) == []
    notebook.cells[1].source = "for x in y:\n    assert x"
    assert asserting(notebook) == [notebook.cells[1].id]


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_shows_and_keeps_its_budget(path, tmp_path):
    notebook = read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(CPU_SECONDS))
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    alts = [alt for page in pages for alt in FIGURE.findall(page)]
    assert len(alts) >= (5 if path in REAL else 2)
    assert all(len(alt) > 20 for alt in alts), "each figure says in words what it shows"
    for cell in tagged(notebook, "check"):
        printed = "".join(
            output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in cell.outputs
        )
        assert "not attempted" in printed, f"an open stub must report so, this one says {printed!r}"
    assert not list(tmp_path.iterdir()), "a lesson leaves no files behind"
    seconds = float(notebook.cells[-1].outputs[-1].text.split()[-1])
    budget = notebook.metadata.course.budget_seconds
    assert seconds < 1.5 * budget, f"{seconds:.0f} CPU seconds of {budget}, on a core that another test may share"

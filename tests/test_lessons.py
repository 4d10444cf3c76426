"""What every lesson must hold: its parts in order, enough to guess, see and do, real questions, a budget; no proof."""

import ast
import re

import nbformat
import pytest
from minutes import FOLDED, figures, parts, printed, sittings, words
from nbclient import NotebookClient
from project import LESSONS, NOTEBOOKS

from course.teaching import quiz

REAL = [path for path in LESSONS if path.stem != "00_welcome"]  # the welcome teaches how, not what
FIRST_EDITION = {"03", "04", "05", "06"}  # lessons that the rules of the second half of this file do not bind yet
SECOND = [path for path in NOTEBOOKS if path in LESSONS and path.stem[:2] not in FIRST_EDITION]
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


def on_one_line(text):
    """A text as one line without quotation of Markdown, to compare wording only."""
    return " ".join(text.replace("> ", " ").split())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
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
    questions = quiz.load(path.stem[:2])
    mine = {each: read(each) for each in NOTEBOOKS if each.stem[:2] == path.stem[:2]}
    marked = {each: [id for id, later, _ in asked(notebook) if not later] for each, notebook in mine.items()}
    every = sorted(id for ids in marked.values() for id in ids)
    assert every == sorted(questions), "every question of the quiz has its one place, and no other is asked"
    for each, ids in marked.items():
        if each in SECOND or each not in LESSONS:
            assert {questions[id].further for id in ids} <= {each not in LESSONS}, "further: true, and nowhere else"
    cells = [cell for notebook in mine.values() for cell in notebook.cells if cell.cell_type == "markdown"]
    prose = on_one_line("\n".join(cell.source for cell in cells))
    for id, question in questions.items():
        assert on_one_line(question.prompt["en"]) not in prose, f"{id} stands in the prose, too"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_reads_as_a_lesson(path):
    """What proves it stands in tests/lessons/NN/proofs.py."""
    notebook = read(path)
    assert tagged(notebook, "proof") == []
    assert asserting(notebook) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:|attachment:|#)([^)]+)\)", prose):
        assert (path.parent / target.split("#")[0]).exists(), f"{target} is a dead link"


def test_the_checks_can_fail():
    sources = ['x = 1\nask("09-1", later=True)', 'ask("09-1")']
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    assert asked(notebook) == [("09-1", True, 0), ("09-1", False, 1)]
    assert on_one_line("What is it?") in on_one_line("**Question.** What\n> is it?")
    assert on_one_line("What was it?") not in on_one_line("**Question.** What\n> is it?")
    assert tagged(notebook, "predict") == []
    assert asserting(notebook) == []
    notebook.cells[1].source = "for x in y:\n    assert x"
    assert asserting(notebook) == [notebook.cells[1].id]


# Rules of the second edition.

each_second = pytest.mark.parametrize("path", SECOND, ids=lambda path: path.stem)
DEEP = {"07", "08", "10", "11", "12", "13", "14", "15", "16"}
TYPES = {"slide", "subslide", "fragment", "-", "skip", "notes"}
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)


def typed(notebook):
    """What a learner types into the cells tagged `guess`: [(name, number of the cell)]."""
    found = []
    for number, cell in enumerate(notebook.cells):
        if "guess" in cell.metadata.get("tags", []):
            nodes = ast.walk(ast.parse(cell.source))
            found += [(node.id, number) for node in nodes if isinstance(node, ast.Name) and is_stored(node)]
    return found


def is_stored(node):
    return isinstance(node.ctx, ast.Store)


def unread(notebook):
    """The names that are typed as a guess and that no later cell looks at."""
    found = []
    for name, number in typed(notebook):
        later = [ast.walk(ast.parse(cell.source)) for cell in notebook.cells[number + 1 :] if cell.cell_type == "code"]
        loads = (node for nodes in later for node in nodes if isinstance(node, ast.Name) and not is_stored(node))
        if all(node.id != name for node in loads):
            found.append(name)
    return found


def deck(notebook):
    """The cells of each slide, from one `slide` or `subslide` to the next, without what is left out or only said."""
    slides = [[]]
    for cell in notebook.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if kind in ("slide", "subslide"):
            slides.append([])
        if kind not in ("skip", "notes"):
            slides[-1].append(cell)
    return [slide for slide in slides if slide]


def crowded(slide):
    """What is wrong with a slide, in words; "" for one that can be shown to a class."""
    prose = [FORMULA.sub(" ", FOLDED.sub(" ", cell.source)) for cell in slide if cell.cell_type == "markdown"]
    shown = sum(words(text) for text in prose if not text.lstrip().startswith("|") and "\n| " not in text)
    code = [cell for cell in slide if cell.cell_type == "code"]
    asks = sum(bool(re.search(r"\bask\(", cell.source)) for cell in code)
    lines = max((len(cell.source.splitlines()) for cell in code if "code" in cell.metadata.get("tags", [])), default=0)
    return ", ".join(
        fault
        for fault, wrong in {
            f"{shown} words": shown > 40,
            "two figures": sum(map(figures, slide)) > 1,
            "two questions": asks > 1,
            f"{lines} lines of code": lines > 12,
        }.items()
        if wrong
    )


@each_second
def test_no_more_cells_than_can_be_shown(path):
    shown = [cell for cell in read(path).cells if not {"badge", "setup"} & {*cell.metadata.get("tags", [])}]
    assert len(shown) <= (70 if path.stem[:2] in DEEP else 90)


@each_second
def test_sittings_are_short_and_the_printed_minutes_honest(path):
    notebook = read(path)
    stops = tagged(notebook, "stop")
    assert len(stops) in ((2, 3) if path in REAL else (0,))
    for cell in stops:
        assert all(part in cell.source for part in ("**What you have now**", "**Next**"))
    counted = [sitting.minutes for sitting in sittings(notebook)]
    assert max(counted) <= 45
    for said, minutes in zip(printed(notebook), counted, strict=True):
        assert abs(said - minutes) <= max(2, 0.1 * minutes), f"{said} minutes are printed, {minutes:.0f} counted"
    if stops:
        after = notebook.cells[notebook.cells.index(stops[-1]) + 1 :]
        assert {cell.cell_type for cell in after} <= {"markdown"}


@each_second
def test_a_typed_guess_is_looked_at(path):
    assert unread(read(path)) == []


@each_second
def test_every_slide_can_be_shown_to_a_class(path):
    notebook = read(path)
    for cell in notebook.cells:
        kind, tags = cell.metadata.get("slideshow", {}).get("slide_type"), cell.metadata.get("tags", [])
        assert kind in TYPES, f"{cell.id} has no slide type"
        assert kind in ("notes", "skip") or "explain" not in tags, f"{cell.id} is said, not shown"
    assert [(slide[0].id, fault) for slide in deck(notebook) if (fault := crowded(slide))] == []


def test_the_rules_can_be_broken():
    def cell(source, kind="markdown", tags=(), slide="slide"):
        metadata = {"tags": list(tags), "slideshow": {"slide_type": slide}}
        return getattr(nbformat.v4, f"new_{kind}_cell")(source, metadata=metadata)

    guess = cell("guess_a, guess_b = ..., ...", "code", ["guess"])
    assert unread(nbformat.v4.new_notebook(cells=[guess, cell("print(guess_b)", "code")])) == ["guess_a"]
    long, question = cell("word " * 41), cell('ask("01-1")', "code", slide="-")
    figure = cell("show(fig)", "code", slide="-")
    notes = cell("said " * 90, slide="notes")
    slides = deck(nbformat.v4.new_notebook(cells=[long, notes, figure, question, cell("# Two"), figure, figure]))
    assert [crowded(slide) for slide in slides] == ["41 words", "two figures"]
    assert crowded([cell("x = 1\n" * 13, "code", ["code"])]) == "13 lines of code"
    assert crowded([question, question]) == "two questions"

    read_first = "# 01\n**Time**: two sittings of about 2 and 1 minutes"
    stop, more = cell("word " * 92, tags=["stop"]), cell("a " * 50 + "<details>folded " * 3 + "</details>$$a\\\\b$$")
    lesson = nbformat.v4.new_notebook(cells=[cell(read_first), stop, question, figure, more, stop, cell("tail " * 900)])
    lesson.metadata.course = {"budget_seconds": 120}
    assert [len(part) for part in parts(lesson)] == [2, 4]
    assert [round(sitting.minutes, 2) for sitting in sittings(lesson)] == [1.03, 6.62]
    assert printed(lesson) == [2, 1]
    with pytest.raises(ValueError, match="names 1 sittings"):
        printed(nbformat.v4.new_notebook(cells=[cell("**Time**: two sittings of about 30 minutes")]))
    with pytest.raises(ValueError, match="no line such as"):
        printed(nbformat.v4.new_notebook(cells=[cell("**Time**: 90 minutes")]))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_shows_and_keeps_its_budget(path, tmp_path):
    notebook = read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(CPU_SECONDS))
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    alts = [alt for page in pages for alt in FIGURE.findall(page)]
    assert len(alts) >= (5 if path in REAL else 2 if path in LESSONS else 1)
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

"""What every lesson must hold: its parts in order, enough to guess, see and do, real questions, a budget; no proof."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from minutes import FOLDED, figures, parts, printed, sittings, words
from nbclient import NotebookClient
from project import FURTHER, LESSONS, NOTEBOOKS

from course.teaching import quiz

REAL = [path for path in LESSONS if path.stem != "00_welcome"]  # the welcome teaches how, not what
AT_LEAST = {"predict": 6, "run": 6, "explain": 6, "exercise": 3}
FIGURE = re.compile(r'<img src="data:image/[^"]+" alt="([^"]*)"')
BUDGET = 90  # seconds, of what goes further
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


def called(notebook, name):
    """What each call of a function such as `check` gets first, in order."""
    nodes = [node for cell in notebook.cells if cell.cell_type == "code" for node in ast.walk(ast.parse(cell.source))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name]
    return [call.args[0].value for call in calls]


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
    assert title.source.startswith(f"# {path.stem[:2]} {'Further: ' if path in FURTHER else ''}")
    for part in ("**You will be able to**", "**Time**", "**Before this**"):
        assert part in promise.source
    assert "TIME" not in promise.source, "the measured seconds are missing"
    assert badge.metadata.tags == ["badge"]
    assert setup.metadata.tags == ["setup"]
    assert imports.cell_type == "code"
    assert "import *" not in imports.source
    assert notebook.metadata.course.lesson == path.stem[:2]
    assert path in LESSONS or notebook.metadata.course.budget_seconds <= BUDGET


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_enough_to_guess_and_do(path):
    notebook = read(path)
    for tag, number in AT_LEAST.items():
        assert len(tagged(notebook, tag)) >= number, f"fewer than {number} cells tagged {tag}"
    assert len({id for id, _, _ in asked(notebook)}) >= 8
    assert len(tagged(notebook, "check")) >= len(tagged(notebook, "exercise"))


def misplaced(known, lesson, further):
    """What is wrong with where the questions or the exercises of a lesson stand: complaints.

    `known` is {id: whether it goes further}; `lesson` are the ids that the lesson holds, `further` those of what goes
    further. Every one stands once, in its place.
    """
    every = [*lesson, *further]
    yield from (f"{id} stands twice" for id in sorted({*every}) if every.count(id) > 1)
    yield from (f"{id} is not known" for id in sorted({*every} - known.keys()))
    yield from (f"{id} has no place" for id in known if id not in every)
    yield from (f"{id} goes further, and stands in the lesson" for id in lesson if known.get(id))
    yield from (f"{id} lacks `further: true`, or its place in the lesson" for id in further if known.get(id) is False)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_questions_and_exercises_are_those_of_the_quiz(path):
    number = path.stem[:2]
    lesson, further = read(path), [read(each) for each in FURTHER if each.stem[:2] == number]
    questions = quiz.load(number)
    marked = [[id for id, later, _ in asked(notebook) if not later] for notebook in (lesson, *further)]
    known = {id: question.further for id, question in questions.items()}
    assert list(misplaced(known, marked[0], [id for ids in marked[1:] for id in ids])) == []
    checked = [called(notebook, "check") for notebook in (lesson, *further)]
    known = {id: bool(entry.get("further")) for id, entry in quiz.exercises(number).items()}
    assert list(misplaced(known, checked[0], [id for ids in checked[1:] for id in ids])) == []
    cells = [cell for notebook in (lesson, *further) for cell in notebook.cells if cell.cell_type == "markdown"]
    prose = on_one_line("\n".join(cell.source for cell in cells))
    for id, question in questions.items():
        assert on_one_line(question.prompt["en"]) not in prose, f"{id} stands in the prose, too"


def test_a_place_that_is_wrong_is_seen():
    known = {"1": False, "2": True}
    assert list(misplaced(known, ["1"], ["2"])) == []
    assert list(misplaced(known, ["1", "2"], [])) == ["2 goes further, and stands in the lesson"]
    assert list(misplaced(known, [], ["1", "2"])) == ["1 lacks `further: true`, or its place in the lesson"]
    assert list(misplaced(known, ["1"], [])) == ["2 has no place"]
    assert list(misplaced(known, ["1", "1", "9"], ["2"])) == ["1 stands twice", "9 is not known"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_guess_is_marked_after_the_run_that_tells(path):
    notebook = read(path)
    places = {(id, later): number for id, later, number in asked(notebook)}
    for (id, later), number in places.items():
        if later:
            assert (id, False) in places, f"{id} is guessed and never marked"
            between = notebook.cells[number : places[id, False]]
            assert any("run" in cell.metadata.get("tags", []) for cell in between), f"{id} is marked before its run"
            assert "guess" in notebook.cells[number].metadata.tags
    predicts = [number for number, cell in enumerate(notebook.cells) if "predict" in cell.metadata.get("tags", [])]
    for number in predicts if path.stem != "00_welcome" else ():
        near = notebook.cells[number + 1 : number + 4]
        assert any("guess" in cell.metadata.get("tags", []) for cell in near), "a prediction has no place to note it"


@pytest.mark.parametrize("path", REAL + FURTHER, ids=lambda path: path.stem)
def test_what_draws_the_answer_to_a_guess_is_folded(path):
    """Its title and its alt text would tell before the cell runs."""
    guessing, drawn = False, 0
    for cell in read(path).cells:
        tags = cell.metadata.get("tags", [])
        guessing = "guess" in tags or (guessing and not {"question", "explain"} & {*tags})
        if guessing and cell.cell_type == "code" and "alt=" in cell.source:
            drawn += 1
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), f"{cell.id} tells before it runs"
    assert drawn >= (6 if path in REAL else 0)


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


# Rules for sittings, guesses and slides: each is a function of a path and a notebook that yields what is wrong.

DEEP = {"07", "08", "10", "11", "12", "13", "14", "15", "16"}
TYPES = {"slide", "subslide", "fragment", "-", "skip", "notes"}
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)
APART = re.compile(r"about \d+ (minutes )?more for the exercises?")


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


def slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type", "")


def deck(notebook):
    """The cells of each slide, from one `slide` or `subslide` to the next, without what is left out or only said."""
    slides = [[]]
    for cell in notebook.cells:
        if slide_type(cell) in ("slide", "subslide"):
            slides.append([])
        if slide_type(cell) not in ("skip", "notes"):
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


def too_many_cells(path, notebook):
    """A lesson that shows more cells than are read in its sittings: all but badge and setup."""
    count = sum(not {"badge", "setup"} & {*cell.metadata.get("tags", [])} for cell in notebook.cells)
    most = 70 if path.stem[:2] in DEEP else 90
    if count > most:
        yield f"{count} cells are shown, {most} at most"


def no_sittings(path, notebook):
    """A lesson that no cells tagged `stop` cut into sittings; each says what a reader has now and what comes next.

    The last one closes the last sitting: summary, what goes wrong and references behind it are Markdown alone. The
    welcome and what goes further are one sitting, without a stop.
    """
    stops = tagged(notebook, "stop")
    allowed = (2,) if path.stem[:2] in DEEP else (2, 3)
    if path.stem[:2] == "00" or path.parent.name == "further":
        allowed = (0,)
    if len(stops) not in allowed:
        yield f"{len(stops)} stops, not {' or '.join(map(str, allowed))}"
    for cell in stops:
        if not all(part in cell.source for part in ("**What you have now**", "**Next**")):
            yield f"{cell.id} does not say what you have now, and what is next"
    for cell in notebook.cells[notebook.cells.index(stops[-1]) :] if stops else ():
        if cell.cell_type != "markdown":
            yield f"{cell.id} is code, at the last stop or behind it"


def other_minutes(path, notebook):
    """A sitting that is too long, or not as long as is printed; exercises whose minutes are not said apart."""
    counted = [sitting.minutes for sitting in sittings(notebook)]
    yield from (f"a sitting of {minutes:.0f} minutes" for minutes in counted if minutes > 45)
    try:
        said = printed(notebook)
    except ValueError as error:
        yield str(error)
        return
    if len(said) != len(counted):
        yield f"{len(said)} sittings are printed, {len(counted)} counted"
    for number, minutes in zip(said, counted, strict=False):
        if abs(number - minutes) > max(2, 0.1 * minutes):
            yield f"{number} minutes are printed, {minutes:.0f} counted"
    if path.stem != "00_welcome" and tagged(notebook, "exercise") and not APART.search(notebook.cells[1].source):
        yield "how long the exercises take is not said apart"


def lost_guesses(path, notebook):
    """A typed guess that nothing looks at."""
    return (f"{name} is typed, and nothing reads it" for name in unread(notebook))


def other_slides(path, notebook):
    """Cells that a deck cannot take as they are, and slides that are too full for a class."""
    marking = {number for _, later, number in asked(notebook) if not later}
    for number, cell in enumerate(notebook.cells):
        kind, tags = slide_type(cell), {*cell.metadata.get("tags", [])}
        if kind not in TYPES:
            yield f"{cell.id} has no slide type"
        elif (tags & {"badge", "setup"} or cell.id == "imports") and kind != "skip":
            yield f"{cell.id} is no slide"
        elif "explain" in tags and kind not in ("notes", "skip"):
            yield f"{cell.id} is said, not shown"
        elif number in marking and kind not in ("slide", "subslide", "skip"):
            yield f"{cell.id} tells the answer on the slide of another"
    yield from (f"{slide[0].id}: {fault}" for slide in deck(notebook) if (fault := crowded(slide)))


def long_cells(path, notebook):
    """Code that no reader takes in at one look."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and (count := len(cell.source.splitlines())) > 25:
            yield f"{cell.id} has {count} lines of code, 25 at most"


RULES = (too_many_cells, long_cells, no_sittings, other_minutes, lost_guesses, other_slides)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_for_sittings_guesses_and_slides(rule, path):
    assert list(rule(path, read(path))) == []


TIME = "**Time**: two sittings of about 5 and 3 minutes"
STOP = "**What you have now**: a sampler. **Next**: section 2."
CORE, MORE, DIVE = (Path(name) for name in ("01_small.ipynb", "further/01_more.ipynb", "07_deep.ipynb"))


def small(**changes):
    """A lesson of two sittings, 5 and 3 minutes by the count, that keeps every rule; then changed: {id with _ for -:
    (source, slide type, tags)}, each None where it stays."""
    cells = {
        "title": ("# 01 Small", "slide", ""),
        "promise": (f"{TIME}, and about 10 more for the exercises.", "skip", ""),
        "badge": (" ", "skip", "badge"),
        "setup": ("import sys", "skip", "setup"),
        "imports": ("import course", "skip", ""),
        "typed": ("guess_a, my_b = ..., ...", "skip", "guess"),
        "guess": ('ask("01-1", later=True)', "slide", "guess"),
        "run": ("print(guess_a, f'{my_b}')\nshow(fig)", "subslide", "run"),
        "answer": ('ask("01-1")', "subslide", "question"),
        "why": ("word " * 90, "notes", "explain"),
        "stop-1": (STOP, "skip", "stop"),
        "text": ("An exercise. " * 900, "skip", ""),
        "stub": ("def my_f(x):\n    ...", "skip", "exercise"),
        "other": ('ask("01-2")', "subslide", "question"),
        "stop-2": (STOP, "skip", "stop"),
        "tail": ("tail " * 900, "skip", ""),
    }
    code = {"setup", "imports", "typed", "guess", "run", "answer", "stub", "other"}
    made = []
    for id, old in cells.items():
        new = changes.get(id.replace("-", "_"), (None, None, None))
        source, slide, tags = (was if now is None else now for was, now in zip(old, new, strict=True))
        kind = nbformat.v4.new_code_cell if id in code else nbformat.v4.new_markdown_cell
        made.append(kind(source, id=id, metadata={"tags": tags.split(), "slideshow": {"slide_type": slide}}))
    return nbformat.v4.new_notebook(cells=made, metadata={"course": {"lesson": "01", "budget_seconds": 60}})


def slid(kind):
    return (None, kind, None)


BROKEN = [
    (long_cells, CORE, {"stub": ("x = 1\n" * 26, None, None)}, "stub has 26 lines"),
    (no_sittings, CORE, {"stop_1": (None, None, "")}, "1 stops, not 2 or 3"),
    (no_sittings, MORE, {}, "2 stops, not 0"),
    (no_sittings, DIVE, {"title": (STOP, None, "stop")}, "3 stops, not 2"),
    (no_sittings, CORE, {"stop_1": ("Enough for today.", None, None)}, "stop-1 does not say"),
    (no_sittings, CORE, {"title": (STOP, None, "stop"), "stop_2": (None, None, "")}, "stub is code.*other is code"),
    (no_sittings, CORE, {"other": (STOP, None, "stop"), "stop_2": (None, None, "")}, "other is code, at the last stop"),
    (other_minutes, CORE, {"promise": ("**Time**: about 8 minutes", None, None)}, "1 sittings are printed, 2 counted"),
    (
        other_minutes,
        CORE,
        {"promise": (TIME.replace("5", "9"), None, None)},
        "9 .* 5 counted",
    ),
    (other_minutes, CORE, {"promise": (TIME, None, None)}, "said apart"),
    (other_minutes, CORE, {"promise": ("**Time**: an hour", None, None)}, "no line such as"),
    (other_minutes, CORE, {"why": ("word " * 4600, None, None)}, "a sitting of 50 minutes; 5 minutes are printed"),
    (lost_guesses, CORE, {"run": ("my_b", None, None)}, "guess_a is typed"),
    (lost_guesses, CORE, {"run": ("guess_a = my_b", None, None)}, "guess_a is typed"),
    (lost_guesses, CORE, {"imports": ("my_b", None, None), "run": ("guess_a", None, None)}, "my_b is typed"),
    (other_slides, CORE, {"text": slid("")}, "text has no slide type"),
    (other_slides, CORE, {"text": slid("Slide")}, "text has no slide type"),
    (other_slides, CORE, {"badge": slid("notes")}, "badge is no slide"),
    (other_slides, CORE, {"setup": slid("-")}, "setup is no slide"),
    (other_slides, CORE, {"imports": slid("slide")}, "imports is no slide"),
    (other_slides, CORE, {"why": slid("fragment")}, "why is said, not shown"),
    (other_slides, CORE, {"answer": slid("-")}, "answer tells the answer on the slide of another"),
    (other_slides, CORE, {"answer": ("show(fig)", "-", None)}, "run: two figures"),
    (other_slides, CORE, {"run": slid("-"), "answer": slid("-")}, "guess: two questions"),
    (other_slides, CORE, {"title": ("word " * 41, None, None)}, "title: 41 words"),
    (other_slides, CORE, {"run": ("guess_a\n" * 13, None, "run code")}, "run: 13 lines of code"),
]


def test_the_small_lesson_keeps_every_rule():
    assert [list(rule(CORE, small())) for rule in RULES] == [[]] * len(RULES)
    allowed = {"title": ("word $x$ " * 40, None, None), "run": ("guess_a, my_b\n" * 12, None, "run code")}
    assert list(other_slides(CORE, small(**allowed))) == []
    assert list(no_sittings(MORE, small(stop_1=(None, None, ""), stop_2=(None, None, "")))) == []


@pytest.mark.parametrize(("rule", "path", "changes", "complaint"), BROKEN)
def test_a_rule_can_be_broken(rule, path, changes, complaint):
    assert re.search(complaint, "; ".join(rule(path, small(**changes))))


def test_cells_are_counted_without_badge_and_setup():
    lesson = small()
    lesson.cells += [nbformat.v4.new_markdown_cell("more")] * (90 - len(lesson.cells) + 2)
    assert list(too_many_cells(CORE, lesson)) == []
    assert list(too_many_cells(DIVE, lesson)) == ["90 cells are shown, 70 at most"]
    lesson.cells.append(nbformat.v4.new_markdown_cell("one too many"))
    assert list(too_many_cells(CORE, lesson)) == ["91 cells are shown, 90 at most"]


def test_minutes_are_counted_by_sitting():
    """A folded text, an exercise and what stands behind the last stop do not count; a displayed formula does."""
    more = "a " * 50 + "<details>folded " * 3 + "</details>$$a\\\\b$$"
    lesson = small(promise=("**Time**: two sittings of about 2 and 1 minutes", None, None), why=(more, None, None))
    first, second = sittings(lesson)
    assert [len(part) for part in parts(lesson)] == [11, 4]
    assert (first.figures, first.questions, second.figures, second.questions) == (1, 1, 0, 1)
    assert (first.words, second.words) == (3 + 9 + 70 + 9, 9)  # title, promise, explanation, stop; the second stop
    assert first.minutes + second.minutes == pytest.approx(1.0 + 1 + 4 + 1)
    assert printed(lesson) == [2, 1]
    for said, complaint in (("two sittings of about 3 minutes", "names 1 sittings"), ("9 minutes", "no line such as")):
        with pytest.raises(ValueError, match=complaint):
            printed(small(promise=(f"**Time**: {said}", None, None)))


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

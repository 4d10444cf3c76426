"""What the course says stands in one file, in both languages, and nowhere in the code."""

import ast
import re

import pytest
import yaml
from project import ROOT

from course.teaching import language as room
from course.teaching.language import LANGUAGES, in_all, language, say, spoken
from course.teaching.quiz.validate import validate

PATH = ROOT / "quizzes/words.yaml"
WORDS = yaml.safe_load(PATH.read_text(encoding="utf-8"))
KEYS = [f"{room}.{name}" for room, texts in WORDS.items() for name in texts]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "course/teaching").rglob("*.py"))
}


def test_the_language_is_that_of_the_environment(monkeypatch):
    monkeypatch.delenv("COURSE_LANG", raising=False)
    assert language() == "en"
    for chosen, spoken_then in {
        "": "en",
        "en": "en",
        "ko": "ko",
        "KO": "ko",
        "ko_KR.UTF-8": "ko",
        "en-GB": "en",
    }.items():
        monkeypatch.setenv("COURSE_LANG", chosen)
        assert language() == spoken_then
    monkeypatch.setenv("COURSE_LANG", "de")
    with pytest.raises(ValueError, match="the course speaks en and ko"):
        language()


def test_what_is_not_written_in_a_language_is_said_in_english(monkeypatch):
    monkeypatch.setenv("COURSE_LANG", "ko")
    assert spoken({"en": "two", "ko": "둘"}) == "둘"
    assert spoken({"en": "two", "ko": "둘"}, "en") == spoken({"en": "two"}) == "two"


def test_say_fills_in_names_in_the_language_asked_for(monkeypatch):
    monkeypatch.delenv("COURSE_LANG", raising=False)
    assert say("question.points", points=1, out_of=2) == "1 of 2 points."
    monkeypatch.setenv("COURSE_LANG", "ko")
    assert say("question.points", points=1, out_of=2) == "2점 만점에 1점입니다."
    assert in_all("question.answer") == {"en": "Answer:", "ko": "답:"}


@pytest.mark.parametrize(("key", "values"), [("question.nothing", {}), ("nothing", {}), ("question.points", {})])
def test_an_unknown_key_and_a_name_not_given_raise(key, values):
    with pytest.raises(KeyError):
        say(key, **values)


def test_the_file_is_sound_and_both_languages_are_complete():
    assert validate(PATH) == []
    assert all({*text} == {*LANGUAGES} for texts in WORDS.values() for text in texts.values())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('room: {key: {en: "Two {a}.", ko: "{b} 둘."}}', "words.yaml:1: the languages fill in different names"),
        ('room:\n  key: {en: "Two."}', "words.yaml:2: room.key: 'ko' is a required property"),
        ('room:\n  key: {en: "Two.", ko: "Two."}', "words.yaml:2: room.key.ko: 'Two.' does not match"),
        ('room:\n  key: {en: "A.", ko: "가."}\n  key: {en: "B.", ko: "나."}', "the key key stands twice"),
    ],
)
def test_a_broken_file_of_words_is_named_with_its_line(tmp_path, text, complaint):
    (tmp_path / "words.yaml").write_text(text, encoding="utf-8")
    [said] = validate(tmp_path / "words.yaml")
    assert complaint in said


def literals(source):
    """All texts in a piece of Python but docstrings and what is raised, {} for what is filled in: (line, text)."""
    tree = ast.parse(source)
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            skipped |= {id(part) for part in ast.walk(node)}
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            skipped.add(id(node.body[0].value))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


STATUSES = {"not yet", "not attempted"}  # of a Result: what is kept of it
SQL = re.compile(r"\b(HANGUL|PRAGMA|SELECT|INSERT|CREATE|BEGIN|NOT NULL)\b")  # and names of Unicode
READING = (
    "clauses",
    "letters",
    "numbers",
    "numerals",
    "quantities",
    "typed",
)  # read answers in Korean; they say nothing
READ = {f"course/teaching/quiz/{stem}.py" for stem in READING}
LECTURERS = {  # speak to those who write questions, as errors do, and to a spreadsheet or a Moodle
    "course/teaching/quiz/validate.py",
    "course/teaching/grading/gradebook.py",
}


def sentences(name, source):
    """Texts that a learner would read: with Hangul, or of two words or more side by side."""
    for line, text in literals(source):
        shown = re.sub(r"<[^>]*>|[\w-]+: [\w.#% ]+;?", "", text) if "<" in text or "margin" in text else text
        wordy = re.search(r"[A-Za-z]{2,}[,:;]? [A-Za-z]{2,}", shown) and not SQL.search(text) and text not in STATUSES
        hangul = re.search("[가-힣]", text) and name not in READ
        if (wordy or hangul) and name not in LECTURERS:
            yield f"{name}:{line}: {text}"


def test_no_sentence_for_a_learner_stands_in_the_code():
    assert [said for name, source in SOURCES.items() for said in sentences(name, source)] == []


@pytest.mark.parametrize(
    "planted",
    [
        'button = Button(description="Look again")',
        "said = f'Go on with lesson {number}.'",
        "title = '답'",
        "page = f\"<p style='margin: 0'>Your answer: {text}</p>\"",
        "Case('points on a line', (x,))",
    ],
)
def test_a_sentence_in_the_code_is_found(planted):
    assert [*sentences("a.py", planted)] != []


@pytest.mark.parametrize(
    "sound",
    [
        '"""A docstring that says much."""',
        "raise LookupError(f'there is no question {id}')",
        "html = f\"<p style='margin: 0.4em 0'>{text}</p>\"",
        "db.execute('SELECT at FROM events')",
        'say("question.noted", answer=answer)',
    ],
)
def test_what_is_no_sentence_is_left_alone(sound):
    assert [*sentences("a.py", sound)] == []


def test_every_word_is_said_somewhere():
    """A key stands in the code or in a template whole, or its name where the room is put before it."""
    commands = [path.read_text(encoding="utf-8") for path in (ROOT / "course/commands").rglob("*.py")]
    sources = [*SOURCES.values(), *commands]
    named = {text.replace(" ", "-") for source in sources for _, text in literals(source)}
    named |= {name for source in sources for name in re.findall(r"(?:Unreadable|Odd|Stopped)\(\"([a-z-]+)\"", source)}
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "course/commands").rglob("*.html")]
    named |= {key for page in pages for key in re.findall(r"\bsay\(\"([a-z.-]+)\"", page)}
    assert [key for key in KEYS if key not in named and key.partition(".")[2] not in named] == []


def test_words_are_read_once(monkeypatch):
    room._words()
    monkeypatch.setattr(room, "read", None)
    assert say("question.why", "en") == "Why"

"""What one student handed in for one lesson, packed by `course submit` or a notebook as it is. Nothing of it is run."""

import hashlib
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, replace

from course import __version__
from course.teaching import exercises, quiz
from course.teaching.grading import sources
from course.teaching.grading.records import Remark, Student
from course.teaching.language import in_all

MARK = "noise-to-images-submission"
FORMAT = 1
MOST = 1_000_000  # letters of code in one file
CELLS = 5_000
ANSWERS = 2_000  # answers in one file
TRIES = 50  # answers to one question that are read: the first, and the last ones
LONGEST = 500  # letters of an answer that are read
SHORT = 200  # letters of a name


class Odd(ValueError):
    """A file that is no submission: `slug` names the reason, a key of `say` under `marking`."""

    def __init__(self, slug, **values):
        super().__init__(slug)
        self.slug = slug
        self.values = {key: short(value) if isinstance(value, str) else value for key, value in values.items()}


@dataclass(frozen=True)
class Part:
    """What one file holds. `answers`: ((id, answer), ...), the oldest first; `claims`: the exercises that its outputs
    call correct."""

    file: str
    lesson: str
    packed: bool
    found: sources.Found
    answers: tuple = ()
    name: str = ""
    number: str = ""
    version: str = ""
    claims: tuple = ()


@dataclass(frozen=True)
class Submission:
    """All that a student handed in for a lesson: functions by name, answers by id, the oldest first."""

    lesson: str
    functions: dict
    answers: dict
    broken: tuple = ()
    claims: tuple = ()
    version: str = ""
    files: tuple = ()
    remarks: tuple = ()
    student: Student | None = None
    named: Student | None = None  # who the files say it is

    @property
    def called(self):
        """The name by which a student has own numbers: the one that the files bear, else that of the folder."""
        return self.named.name if self.named and self.named.name else self.student.name

    @property
    def key(self):
        """What tells this from every other submission: a hash of all that is marked."""
        code = {name: asdict(one) for name, one in sorted(self.functions.items())}
        text = json.dumps([self.lesson, code, self.answers], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def packed(lesson, cells, kept, name, number):
    """The text of a file to hand in: what of `cells` is marked, and the answers among the events `kept`."""
    found = sources.read(cells)
    wanted = {f"my_{id[3:]}" for id in exercises.ids(lesson)}
    functions = [one for name, one in found.functions.items() if name in wanted]
    texts = dict.fromkeys(text for one in functions for text in (*one.needs, one.source))
    answers = [(event.id, event.answer) for event in kept if event.kind == "answer" and event.id in quiz.load(lesson)]
    answers += [(id, given) for id, given in found.answers if id not in dict(answers)]
    head = {"kind": MARK, "format": FORMAT, "version": __version__, "lesson": lesson, "name": name, "number": number}
    return json.dumps(head | {"cells": [*texts], "answers": answers}, ensure_ascii=False, indent=1) + "\n"


def read(file, data):
    """The Part that a file holds, from its bytes. Raises Odd for what is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Odd("no-json", file=file) from error
    if isinstance(found, dict) and found.get("kind") == MARK:
        return _packed(file, found)
    if isinstance(found, dict) and isinstance(found.get("cells"), list):
        return _notebook(file, found)
    raise Odd("no-submission", file=file)


def _packed(file, found):
    texts, answers = found.get("cells"), found.get("answers")
    if found.get("format") != FORMAT:
        raise Odd("other-format", file=file, version=short(found.get("version")))
    if not _are(texts, str) or not isinstance(answers, list) or not all(_are(pair, str) for pair in answers):
        raise Odd("no-submission", file=file)
    answers = tuple((pair[0], _whole(pair[1][:LONGEST])) for pair in answers[-ANSWERS:] if len(pair) == 2)
    lesson = found.get("lesson")
    if lesson not in quiz.lessons():
        raise Odd("no-lesson", file=file)
    who = {key: short(found.get(key)) for key in ("name", "number", "version")}
    return Part(file, lesson, True, _read(file, texts), answers, **who)


def _notebook(file, found):
    cells = [cell for cell in found["cells"][:CELLS] if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    read = _read(file, [_joined(cell.get("source")) for cell in cells])
    counts = Counter(id[:2] for id in read.asked if id[:2] in quiz.lessons())
    if not counts:
        raise Odd("no-lesson", file=file)
    answers = tuple((id, _whole(given[:LONGEST])) for id, given in read.answers[-ANSWERS:])
    lesson = max(sorted(counts), key=counts.get)
    return Part(file, lesson, False, read, answers, claims=_claims(cells, lesson))


def _read(file, texts):
    if sum(map(len, texts)) > MOST or len(texts) > CELLS:
        raise Odd("long", file=file)
    return sources.read(map(_whole, texts))


def _claims(cells, lesson):
    """The exercises that a notebook's outputs call correct: a teacher may want to know where they are not."""
    said = re.compile(rf"({lesson}-\w+): (?:{'|'.join(map(re.escape, in_all('exercise.correct').values()))})")
    outputs = [output for cell in cells for output in _list(cell.get("outputs")) if isinstance(output, dict)]
    texts = [_joined(output.get("text")) for output in outputs]
    texts += [_joined(_dict(output.get("data")).get("text/plain")) for output in outputs]
    return tuple(sorted({id for text in texts for id in said.findall(text[: sources.LONGEST])}))


def _are(value, kind):
    return isinstance(value, list) and all(isinstance(part, kind) for part in value)


def _list(value):
    return value if isinstance(value, list) else []


def _dict(value):
    return value if isinstance(value, dict) else {}


def _joined(value):
    """The text of a cell or an output, which a notebook may hold as a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _whole(text):
    """A text with a question mark for each half of a letter, which JSON can hold and no file."""
    return text.encode("utf-8", "replace").decode("utf-8")


def short(value):
    """A name or number that a student has typed: one line, not endless."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return " ".join("".join(c for c in text[:SHORT] if c.isprintable()).split())


def submissions(handed):
    """(Student, [Submission, ...], remarks) of what a student handed in (gather.Handed), a submission for each lesson.

    Packed files go before notebooks, later ones before earlier.
    """
    parts, remarks, student = [], [*handed.remarks], handed.student
    for name, data in handed.files:
        try:
            parts.append(read(short(name), data))
        except Odd as odd:
            remarks.append(remark(odd.slug, look=True, **odd.values))
    named = next((Student(part.name, part.number) for part in parts if part.name or part.number), None)
    if named:
        student, more = _identified(student, handed.certain, named)
        remarks += more
    made = []
    for lesson in sorted({part.lesson for part in parts}):
        made.append(_merged(lesson, sorted((p for p in parts if p.lesson == lesson), key=lambda part: part.packed)))
    made = [replace(one, student=student, named=named, remarks=(*remarks, *one.remarks)) for one in made]
    return student, made, tuple(remarks)


def _identified(student, certain, named):
    """The student, with what the files say of who it is; where Moodle says it, they can only add a number."""
    if not certain:
        return replace(student, name=named.name or student.name, number=named.number), []
    one, other = (set(name.casefold().split()) for name in (student.name, named.name))
    odd = [remark("other-name", look=True, name=named.name)] if named.name and one.isdisjoint(other) else []
    return replace(student, number=named.number), odd


def _merged(lesson, parts):
    functions, remarks = {}, []
    for name, one in (pair for part in parts for pair in part.found.functions.items()):
        if name not in functions or not sources.is_stub(one.source):
            functions[name] = one
    # of packed files the last one: it holds all answers; else those of all notebooks
    told = [part for part in parts if part.packed][-1:] or parts
    answers = {}
    for id, given in (pair for part in told for pair in part.answers):
        answers.setdefault(id, []).append(given)
    if unknown := sorted(id for id in answers if id not in quiz.load(lesson)):
        remarks.append(remark("unknown-ids", ids=", ".join(short(id) for id in unknown[:5])))
    if redefined := sorted({name for part in parts for name in part.found.redefined}):
        remarks.append(remark("redefined", look=True, names=", ".join(redefined)))
    version = next((part.version for part in reversed(parts) if part.version), "")
    if version and version != __version__:
        remarks.append(remark("other-version", version=version, here=__version__))
    if sum(part.packed for part in parts) > 1:
        remarks.append(remark("several-files", file=told[0].file, count=sum(part.packed for part in parts)))
    return Submission(
        lesson=lesson,
        functions=functions,
        answers={id: [*given[:1], *given[1:][1 - TRIES :]] for id, given in answers.items() if id in quiz.load(lesson)},
        broken=tuple(pair for part in parts for pair in part.found.broken),
        claims=tuple(sorted({id for part in parts for id in part.claims})),
        version=version,
        files=tuple(part.file for part in parts),
        remarks=tuple(remarks),
    )


def remark(slug, look=False, **values):
    """A Remark in both languages; its words stand under `marking`."""
    return Remark(slug, in_all(f"marking.{slug}", **values), look)

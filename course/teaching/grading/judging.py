"""Mark a submission: its answers here, its functions in a worker, which sends back what they gave; judged here as well.

The inputs are drawn from the submission itself: the same one always meets the same inputs, and nobody can write a
function that knows them.
"""

import difflib
from dataclasses import dataclass, replace

import torch

from course.teaching import exercises, quiz
from course.teaching.exercises.answers import Odd
from course.teaching.exercises.checking import CPU, Outcome, judge, outcome
from course.teaching.exercises.feedback import POINTS
from course.teaching.grading import sandbox, wire
from course.teaching.grading.records import Item, Marks
from course.teaching.grading.sources import is_stub
from course.teaching.grading.submission import remark, submissions
from course.teaching.language import LANGUAGES, in_all, speaking
from course.teaching.quiz.marking import mark
from course.teaching.quiz.typed import Unreadable
from course.teaching.quiz.variants import draw_seed, varied

PARTLY = 1  # point for a function that makes a mistake that has a name, or is right on half of the inputs and more
PLAIN = (torch.bool, torch.int64, torch.float64)  # what a number without a dtype becomes
ODD = ("no-tensor", "no-tensor-an", "part", "array", "layout", "device", "unreadable")  # what a worker may say of one
STOPS = 3  # how often a worker is started again for one submission


@dataclass(frozen=True)
class Rules:
    """How a class is marked. `secret` gives everybody other numbers; `trusted` leaves the sandbox away."""

    secret: str = ""
    trusted: bool = False


def marked(handed, rules=Rules()):
    """The Marks of all that a student handed in (gather.Handed), one for each lesson; where nothing can be read, one
    without items that says why. Raises nothing, whatever it is."""
    student, made, remarks = submissions(handed)
    if not made:
        return [Marks(handed.key, student, "", (), remarks, tuple(name for name, _ in handed.files), "", rules.trusted)]
    return [_marks(submission, rules) for submission in made]


def _marks(submission, rules):
    items = [*_questions(submission, rules), *_exercises(submission, rules)]
    wrong = {item.id for item in items if item.kind == "exercise" and item.status != "correct"}
    claimed = sorted(wrong & {*submission.claims})
    remarks = [remark("claims", look=True, ids=", ".join(claimed))] if claimed else []
    return Marks(
        key=submission.key,
        student=submission.student,
        lesson=submission.lesson,
        items=tuple(items),
        remarks=(*submission.remarks, *remarks),
        files=submission.files,
        version=submission.version,
        trusted=rules.trusted,
    )


def _questions(submission, rules):
    for question in quiz.load(submission.lesson).values():
        asked = varied(question, rules.secret, submission.called) if rules.secret else question
        yield _answered(asked, submission.answers.get(question.id, []))


def _answered(question, given):
    """The Item of a question: the last answer that can be read counts."""
    item = Item(question.id, "question", "not attempted", 0, question.points, further=question.further)
    item = replace(item, asked=question.prompt) if question.own else item
    read, odd = [], in_all("marking.no-answer")
    for answer in given:
        try:
            read.append((answer, mark(question, answer)))
        except Unreadable as unreadable:
            odd = unreadable.text
    if not read:
        return replace(item, given=given[-1] if given else "", reasons=(odd,))
    answer, marked = read[-1]
    said = marked.feedback[0] if marked.feedback else None
    place = next((str(k) for k, entry in enumerate(question.answers, 1) if entry.get("feedback") is said), "")
    return replace(
        item,
        status="correct" if marked.correct else "not yet",
        points=marked.points,
        given=answer,
        mistake="" if marked.correct else place,
        reasons=(*marked.feedback, *marked.missed),
        tries=len(read),
        first=read[0][1].correct,
    )


def _exercises(submission, rules):
    """The Items of all exercises of a lesson. One worker runs what was handed in, another what is left when it ends."""
    worker, stops = None, 0
    try:
        for id, words in quiz.exercises(submission.lesson).items():
            item = Item(id, "exercise", "not attempted", 0, POINTS, further=words.get("further", False))
            function = submission.functions.get(f"my_{id[3:]}")
            if function is None or is_stub(function.source):
                yield replace(item, reasons=(_missing(submission, id, function),))
            elif stops > STOPS:
                yield replace(item, status="error", reasons=(in_all("marking.given-up", count=stops),))
            else:
                exercise = exercises.find(id)
                try:
                    worker = worker or sandbox.started(rules.trusted)
                    yield _judged(item, exercise, function, _cases(exercise, submission, rules), worker)
                except sandbox.Stopped as stopped:
                    stops += 1
                    if worker:
                        worker.close()
                    worker = None
                    said = in_all(f"marking.{stopped.slug}")
                    yield replace(item, status="error", reasons=(said,), mistake=f"({stopped.slug})")
    finally:
        if worker:
            worker.close()


def _missing(submission, id, function):
    """Why there is nothing to run for an exercise."""
    name = f"my_{id[3:]}"
    if function is not None:
        return in_all("marking.stub")
    for text, error in submission.broken:
        if name in text:
            lines = [*text.split("\n"), ""]
            number = getattr(error, "lineno", None) or 0
            code = _text(lines[number - 1].strip()) if 0 < number <= len(lines) else ""
            return in_all("marking.broken-cell", name=name, number=number, code=code)
    others = [other for other in submission.functions if f"{submission.lesson}-{other[3:]}" not in exercises.ids()]
    if near := difflib.get_close_matches(name, others, 1, 0.75):
        return in_all("marking.renamed", name=name, other=near[0])
    return in_all("marking.missing", name=name)


def _cases(exercise, submission, rules):
    """The inputs on which a function is tested: its own for each submission."""
    seed = draw_seed(f"{rules.secret}\0{submission.key}", submission.called, exercise.id) % 2**63
    with CPU:
        return list(exercise.cases(torch.Generator().manual_seed(seed)))


def _judged(item, exercise, function, cases, worker):
    """The Item of a function after a run in the worker. Raises Stopped."""
    reply = worker.ask(_job(exercise, function, cases))
    try:
        calls = reply["calls"]
        if not isinstance(calls, list) or len(calls) != len(cases):
            raise ValueError(len(cases))
        if huge := max((call.get("huge", 0) for call in calls), default=0):
            said = in_all("marking.huge", size=f"{int(huge) >> 20}")
            return replace(item, status="error", reasons=(said,), mistake="(huge)")
        found = [_outcome(call, exercise, case) for call, case in zip(calls, cases, strict=True)]
    except Exception as error:  # whatever it is that a stranger's process has said
        raise sandbox.Stopped("reply") from error
    said = {}
    for lang in LANGUAGES:
        with speaking(lang), CPU:
            said[lang] = judge(replace(exercise, picture=None), cases, found, tries=1)
    return _credited(item, said, function, found)


def _credited(item, said, function, found):
    """The Item with its points: a mistake that has a name, and what is right on half of the inputs, is worth one."""
    result = said["en"]
    passed = sum(ok for _, ok in result.tested)
    reasons = [{lang: said[lang].feedback for lang in LANGUAGES}]
    points = result.points
    if not points and result.mistake not in ("", "untouched"):
        points = PARTLY
        reasons.append(in_all("marking.slip", points=points, out_of=item.out_of))
    elif not points and not result.mistake and 2 * passed >= len(found):
        points = PARTLY
        reasons.append(in_all("marking.partly", passed=passed, count=len(found), points=points, out_of=item.out_of))
    if function.course and result.status != "correct" and any(one.error for one in found):
        reasons.append(in_all("marking.uses-course", names=_text(", ".join(function.course))))
    if function.defined > 1 and result.status != "correct":
        reasons.append(in_all("marking.doubled", count=function.defined))
    status = result.status if result.status in ("correct", "error") else "not yet"
    return replace(item, status=status, points=points, mistake=result.mistake, reasons=tuple(reasons))


def _job(exercise, function, cases):
    """What the worker is told: nothing by which an answer could be judged."""
    stand_ins = exercise.replayed is not None
    calls = [[_sent(arg) for arg in case.args] for case in cases]
    return {
        "name": function.name,
        "source": function.source,
        "needs": list(function.needs),
        "course": list(function.course) if stand_ins else [],
        "stand_ins": stand_ins,
        "calls": calls,
    }


def _sent(arg):
    """An argument as the worker gets it; of a stand-in only the name, in small letters."""
    plain = isinstance(arg, torch.Tensor | int | float | str | None)
    return wire.encoded(arg) if plain else {"root": type(arg).__name__.lower()}


def _outcome(call, exercise, case):
    """The Outcome of a call from what the worker says of it. Raises ValueError, TypeError or KeyError for nonsense."""
    if exercise.replayed is not None and "error" not in call:
        done = outcome(exercise.replayed(call["log"], call["returned"]), case)
        return replace(done, line=())  # it is one of ours
    changed = tuple(k for k in call.get("changed", ()) if type(k) is int and 0 <= k < len(case.args))
    if "error" in call:
        number, code = call["line"] or (0, "")
        line = (int(number), _text(code)) if number else ()
        return Outcome(error=_text(call["error"]), message=_text(call["message"]), line=line, changed=changed)
    if "nothing" in call:
        return Outcome(changed=changed)
    if "odd" in call:
        key, values = call["odd"]
        odd = Odd(
            _text(key), {_text(name): value if type(value) is int else _text(value) for name, value in values.items()}
        )
        if odd.key not in ODD:
            raise ValueError(odd.key)
        in_all(f"exercise.{odd.key}", **odd.values)  # KeyError where these are not its values
        return Outcome(odd=odd, changed=changed)
    value = tuple(wire.tensor(part) for part in call["value"])
    plain = {k for k, part in enumerate(value) if part.ndim == 0 and part.dtype in PLAIN}
    bare = tuple(k for k in call["bare"] if type(k) is int and k in plain)
    return Outcome(value=value, bare=bare, changed=changed)


def _text(value):
    """A text that comes from a student's process: one line of printable letters, not endless."""
    return "".join(c if c.isprintable() else " " for c in str(value)[:300])

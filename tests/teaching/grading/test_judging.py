"""Marks: right work has all points however it is handed in, mistakes are named, and nothing is taken on trust."""

import inspect
import json
import textwrap

import handing
import pytest
import torch
from fill import functions, other, solution
from handing import handed, notebook

from course.teaching import exercises, quiz
from course.teaching.grading import judging, sandbox
from course.teaching.grading.gather import Handed
from course.teaching.grading.records import Marks, Student, from_json, to_json
from course.teaching.quiz.marking import as_typed, right_answer
from course.teaching.quiz.variants import varied

IMPORTS = ["import cmath\nimport math\nimport torch\nimport torch.nn.functional as F\nfrom course.pipelines import hub"]


def marked(*files, **rules):
    """The Marks of the one lesson that these files are of."""
    (found,) = judging.marked(handed(*files), judging.Rules(**rules))
    return found


def packed(lesson, texts, answers=()):
    return "a.json", handing.packed(lesson, [*IMPORTS, *texts], answers)


def item(found, id):
    return next(one for one in found.items if one.id == id)


def wholly_right(lesson, place):
    texts = functions(place(lesson).read_text()).values()
    return packed(lesson, texts, [(one.id, right_answer(one)) for one in quiz.load(lesson).values()])


@pytest.mark.parametrize("lesson", quiz.lessons())
@pytest.mark.parametrize("place", [solution, other])
def test_right_work_has_all_points(bubblewrap, lesson, place):
    found = marked(wholly_right(lesson, place))
    assert [(one.id, one.status, one.reasons) for one in found.items if one.status != "correct"] == []
    assert found.points == found.out_of > 0
    assert found.remarks == ()
    assert [one.id for one in found.items] == [*quiz.load(lesson), *exercises.ids(lesson)]


def test_the_same_work_has_the_same_marks_and_they_come_back_from_text(bubblewrap):
    one, again = (marked(wholly_right("03", other)) for _ in range(2))
    assert one == again == from_json(to_json(one))


def test_a_notebook_has_the_points_of_what_is_typed_in_it(bubblewrap):
    texts = [*IMPORTS, *functions(solution("01").read_text()).values(), 'ask("01-2", answer="0.0625")']
    found = marked(("01_mine.ipynb", notebook(texts)))
    assert [item(found, id).points for id in exercises.ids("01")] == [3] * len(exercises.ids("01"))
    assert item(found, "01-2").points == quiz.find("01-2").points
    assert item(found, "01-3").status == "not attempted"


MISTAKE = """
def my_q_sample(alpha_bar, x0, t, eps):
    a = alpha_bar[t].reshape(-1, *[1] * (x0.ndim - 1))
    return (a.sqrt() * x0 + (1 - a) * eps).to(x0.dtype)
"""
COARSE = """
def my_q_sample(alpha_bar, x0, t, eps):
    a = alpha_bar[t].reshape(-1, *[1] * (x0.ndim - 1))
    return (a.sqrt() * x0 + (1 - a).sqrt() * eps).double()
"""
HALF = """
def my_q_sample(alpha_bar, x0, t, eps):
    a = alpha_bar[t].reshape(-1, *[1] * (x0.ndim - 1))
    x_t = (a.sqrt() * x0 + (1 - a).sqrt() * eps).to(x0.dtype)
    return x_t if x0.dtype == torch.float64 else x_t + 1
"""
BORROWED = "from course.forward import q_sample\ndef my_q_sample(*args):\n    return q_sample(*args)"
QUARTER = HALF.replace("x0.dtype == torch.float64", "x0.shape == (6, 1, 5, 4)")


@pytest.mark.parametrize(
    ("text", "points", "mistake", "words"),
    [
        (MISTAKE, 1, "variance", "1 of 3 points for a slip"),
        (COARSE, 2, "", "only the dtype"),
        (HALF, 1, "", "right on 2 of 4 inputs"),
        (QUARTER, 0, "", "Tested"),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    return x0", 0, "", "Tested"),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    return 1 / 0", 0, "", "ZeroDivisionError"),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    return x0.mul_(0)", 0, "", "changes its input x0"),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    return None", 0, "", "returns nothing"),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    return x0.numpy()", 0, "", "numpy array"),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    return torch.zeros(10**6)", 0, "(huge)", "3 MiB"),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    return x0[", 0, "", "is not Python: line 2, return x0["),
        ("def my_q_sample(alpha_bar, x0, t, eps):\n    ...", 0, "", "Nothing is filled in"),
        ("def my_qsample(alpha_bar, x0, t, eps):\n    return x0", 0, "", "but there is my_qsample"),
        ("def f():\n    pass", 0, "", "There is no function my_q_sample"),
        (BORROWED, 0, "", "q_sample from the course"),
        ("def my_q_sample(*args):\n    raise RuntimeError('{0.__class__} <b>')", 0, "", "{0.__class__} <b>"),
    ],
)  # fmt: skip
def test_what_is_not_right_says_why_in_both_languages(bubblewrap, text, points, mistake, words):
    found = item(marked(("a.ipynb", notebook([IMPORTS[0], text, "check('02-q_sample', 0)"]))), "02-q_sample")
    assert (found.points, found.mistake) == (points, mistake)
    assert any(words in reason["en"] for reason in found.reasons), found.reasons
    assert all(reason["ko"] != reason["en"] for reason in found.reasons)


def test_each_exercise_names_the_mistake_that_is_made(bubblewrap):
    """Of every lesson that has tensors only: the first known mistake that can be written out by itself."""
    texts, wanted = [], {}
    for id in exercises.ids("02"):
        slug, fn = next(iter(exercises.find(id).mistakes.items()))
        wanted[id] = slug
        texts.append(f"def my_{id[3:]}(*args, **named):\n    return MISTAKES[{id!r}](*args, **named)")
        assert callable(fn)
    lesson = textwrap.dedent(inspect.getsource(inspect.getmodule(exercises.find("02-q_sample").mistakes["variance"])))
    start, end = lesson.index("def _kept"), lesson.index("def _alpha_bar_cases")
    tools = "def column(a, x):\n    return a.reshape(-1, *[1] * (x.ndim - 1))\n\n"
    names = {"02-alpha_bar": "ALPHA_BAR", "02-q_sample": "Q_SAMPLE", "02-cosine": "COSINE"}
    names |= {"02-three_views": "THREE_VIEWS", "02-eps_from_v": "EPS_FROM_V"}
    table = ", ".join(f"{id!r}: {name}[{wanted[id]!r}]" for id, name in names.items())
    found = marked(
        (
            "a.ipynb",
            notebook([*IMPORTS, f"{tools}{lesson[start:end]}", f"MISTAKES = {{{table}}}", *texts, "check('02-x', 0)"]),
        )
    )
    assert {one.id: (one.mistake, one.points) for one in found.items if one.kind == "exercise"} == {
        id: (slug, judging.PARTLY) for id, slug in wanted.items()
    }


def test_answers_are_marked_here_whatever_was_kept():
    question = quiz.find("02-5")
    wrong = next(entry for entry in question.answers if not entry["correct"])
    answers = [("02-5", as_typed(question, wrong, "en")), ("02-5", "no letter"), ("02-5", right_answer(question))]
    found = item(marked(packed("02", [], answers)), "02-5")
    assert (found.status, found.points, found.tries, found.first) == ("correct", question.points, 2, False)
    found = item(marked(packed("02", [], answers[:2])), "02-5")
    assert (found.status, found.points, found.given) == ("not yet", 0, answers[0][1])
    assert found.mistake == str(question.answers.index(wrong) + 1)
    assert found.reasons[0] == wrong["feedback"]
    found = item(marked(packed("02", [], answers[1:2])), "02-5")
    assert (found.status, found.given, found.tries) == ("not attempted", "no letter", 0)
    assert {*found.reasons[0]} == {"en", "ko"}


def test_with_a_secret_everybody_is_asked_with_their_own_numbers():
    ids = [one.id for one in quiz.load("02").values() if one.vary]
    own = {id: varied(quiz.find(id), "mackerel", "Kim Minji") for id in ids}
    answers = packed("02", [], [(id, right_answer(question)) for id, question in own.items()])
    assert [item(marked(answers, secret="mackerel"), id).status for id in ids] == ["correct"] * len(ids)
    assert [item(marked(answers), id).status for id in ids] == ["not yet"] * len(ids)
    assert [item(marked(answers, secret="herring"), id).status for id in ids] != ["correct"] * len(ids)
    assert [item(marked(answers, secret="mackerel"), id).asked for id in ids] == [one.prompt for one in own.values()]
    assert {one.asked for one in marked(answers).items} == {None}
    standard = packed("02", [], [(one.id, right_answer(one)) for one in quiz.load("02").values()])
    found = marked(standard, secret="mackerel")
    assert [one.id for one in found.items if one.kind == "question" and one.status != "correct"] == ids


def in_place(answer):
    """A Worker that is none: `answer(job)` is its reply."""

    class Standing:
        def __init__(self, trusted):
            self.ask = answer

        def close(self):
            pass

    return Standing


def ends(job):
    raise sandbox.Stopped("gone")


def test_the_inputs_are_another_submissions_own(monkeypatch):
    seeds = []

    def cases(exercise, one, rules):
        found = kept(exercise, one, rules)
        seeds.append(found[0].args[1])
        return found

    kept = judging._cases
    monkeypatch.setattr(judging, "_cases", cases)
    monkeypatch.setattr(sandbox, "Worker", in_place(ends))
    text = functions(solution("02").read_text())["my_q_sample"]
    for body, rules in ((text, {}), (text, {}), (f"{text}  # more", {}), (text, {"secret": "mackerel"})):
        marked(packed("02", [body]), **rules)
    assert torch.equal(seeds[0], seeds[1])
    assert not torch.equal(seeds[0], seeds[2])
    assert not torch.equal(seeds[0], seeds[3])


def test_a_worker_that_ends_leaves_the_other_functions_and_not_without_end(bubblewrap):
    ids = exercises.ids("02")
    bad = [f"def my_{id[3:]}(*args, **named):\n    __import__('os')._exit(0)" for id in ids[:-1]]
    good = functions(solution("02").read_text())[f"my_{ids[-1][3:]}"]
    found = marked(packed("02", [*bad, good]))
    said = [item(found, id).reasons[0]["en"] for id in ids]
    assert [item(found, id).points for id in ids] == [0] * len(ids)
    assert ["ended without an answer" in text for text in said] == [True] * 4 + [False]
    assert "had to be stopped 4 times" in said[-1]
    found = marked(packed("02", [bad[0], good]))
    assert item(found, ids[-1]).points == 3


@pytest.mark.parametrize(
    "reply",
    [
        {},
        [],
        None,
        {"calls": []},
        {"calls": [{}] * 4},
        {"calls": [5] * 4},
        {"calls": [{"value": [], "bare": 5}] * 4},
        {"calls": [{"value": [{"dtype": "float64"}], "bare": []}] * 4},
        {"calls": [{"odd": ["no-such-key", {}]}] * 4},
        {"calls": [{"odd": ["part", {}]}] * 4},
        {"calls": [{"odd": ["__class__", {"a": {}}]}] * 4},
        {"calls": [{"odd": 5}] * 4},
        {"calls": [{"error": [], "message": {}, "line": [[], []]}] * 4},
        {"calls": [{"huge": "1e9"}] * 4},
        {"points": 3, "status": "correct", "calls": [{"correct": True}] * 4},
    ],
    ids=str,
)
def test_replies_that_no_worker_gives_have_no_points(monkeypatch, reply):
    monkeypatch.setattr(sandbox, "Worker", in_place(lambda job: reply))
    found = item(marked(packed("02", [functions(solution("02").read_text())["my_q_sample"]])), "02-q_sample")
    assert (found.status, found.points) == ("error", 0)


def test_the_worker_is_told_nothing_by_which_to_judge(monkeypatch):
    told = []

    monkeypatch.setattr(sandbox, "Worker", in_place(lambda job: told.append(job) or ends(job)))
    for lesson in quiz.lessons():
        marked(wholly_right(lesson, solution))
    for job in told:
        assert {*job} == {"name", "source", "needs", "course", "stand_ins", "calls"}
        for args in job["calls"]:
            assert all({*arg} in ({"dtype", "shape", "data"}, {"plain"}, {"root"}) for arg in args)
    assert "mistake" not in json.dumps(told)


def test_nothing_that_can_be_marked_is_a_row_with_its_reason():
    (found,) = judging.marked(Handed(Student("Kim"), False, (("a.json", b"{"),)))
    assert (found.items, found.points, found.out_of) == ((), 0, 0)
    assert isinstance(found, Marks)
    assert [remark.slug for remark in found.remarks] == ["no-json"]

"""What is handed in: what is packed comes back as it was, notebooks give the same, and nonsense gives its reason."""

import json
from dataclasses import replace

import pytest
from fill import functions, solution
from handing import handed, notebook

from course import __version__
from course.teaching import exercises, quiz
from course.teaching.events import Event
from course.teaching.exercises.feedback import Result
from course.teaching.grading import submission
from course.teaching.language import speaking
from course.teaching.quiz.marking import right_answer

CELLS = ["import torch\nUNUSED = 5", *functions(solution("02").read_text()).values(), 'ask("02-1", answer=3)']
KEPT = [
    Event(1.0, "answer", "02-3", "a", 0, 2),
    Event(2.0, "answer", "02-3", "b", 2, 2),
    Event(3.0, "guess", "02-4", "b", 0, 0),
    Event(4.0, "answer", "01-2", "0.0625", 2, 2),
    Event(5.0, "exercise", "02-q_sample", "correct", 3, 3),
]


def only(*files, **options):
    """The one Submission that these files make."""
    _, (one,), _ = submission.submissions(handed(*files, **options))
    return one


def packed(cells=CELLS, kept=KEPT, lesson="02", name="Kim Minji", number="20260123"):
    return submission.packed(lesson, cells, kept, name, number).encode()


def edited(**changed):
    """A packed file in which somebody has changed something."""
    return json.dumps(json.loads(packed()) | changed).encode()


def test_what_is_packed_comes_back():
    one = only(("a.json", packed()))
    assert {*one.functions} == {f"my_{id[3:]}" for id in exercises.ids("02")}
    for name, text in functions(solution("02").read_text()).items():
        assert one.functions[name].source.rstrip() == text
        assert one.functions[name].needs == (("import torch\n",) if "torch" in text else ())
    assert one.answers == {"02-3": ["a", "b"], "02-1": ["3"]}
    assert (one.lesson, one.version, one.student.number) == ("02", __version__, "20260123")
    assert one.remarks == ()


def test_only_what_is_marked_is_packed():
    text = packed([*CELLS, "SECRET = 1", "def my_diary():\n    return 5"]).decode()
    assert [word for word in ("UNUSED", "SECRET", "my_diary", "02-4", "01-2") if word in text] == []


def test_a_notebook_gives_the_same_functions_and_what_is_typed_in_it():
    one, other = only(("a.ipynb", notebook(CELLS))), only(("a.json", packed()))
    assert one.functions == other.functions
    assert one.answers == {"02-1": ["3"]}
    assert one.key != other.key
    assert one.key == only(("b.ipynb", notebook(CELLS, [{"text": "02-q_sample: correct"}]))).key


def test_points_in_a_packed_file_are_not_read():
    changed = only(("a.json", edited(points=199, marks={"02-3": 2})))
    assert changed == only(("a.json", packed()))


def test_a_stub_does_not_hide_a_function_of_another_notebook():
    work, stub = (
        notebook(["def my_alpha_bar(x):\n    return 1", "check('02-alpha_bar', 0)"]),
        "def my_alpha_bar(x):\n    ...",
    )
    for order in ((work, notebook([stub, "check('02-a', 0)"])), (notebook([stub, "check('02-a', 0)"]), work)):
        one = only(("a.ipynb", order[0]), ("b.ipynb", order[1]))
        assert "return 1" in one.functions["my_alpha_bar"].source


def test_packed_files_go_before_notebooks_and_the_last_one_gives_the_answers():
    late = packed(kept=[replace(KEPT[1], answer="c")])
    one = only(("a.json", packed()), ("z.ipynb", notebook(["ask('02-5', answer='a')"])), ("b.json", late))
    assert one.answers == {"02-3": ["c"], "02-1": ["3"]}
    assert [remark.slug for remark in one.remarks] == ["several-files"]


def test_several_lessons_are_several_submissions():
    other = submission.packed("01", ["def my_mix(x0, snr, eps):\n    return x0"], KEPT, "Kim Minji", "")
    student, made, _ = submission.submissions(handed(("a.json", packed()), ("b.json", other.encode())))
    assert [one.lesson for one in made] == ["01", "02"]
    assert made[0].answers == {"01-2": ["0.0625"]}
    assert made[0].student == made[1].student == student


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"", "no-json"),
        (b"\xff\xfe", "no-json"),
        (b"[" * 100_000, "no-json"),
        (b"[]", "no-submission"),
        (b'{"cells": 5}', "no-submission"),
        (b'{"cells": []}', "no-lesson"),
        (b'{"cells": [5, null, {"cell_type": "code"}, {"cell_type": "code", "source": {"a": 1}}]}', "no-lesson"),
        (notebook(["ask('77-1', answer='b')"]), "no-lesson"),
        (notebook(["x = 1\n" * 90_000] * 7), "long"),
        (edited(format=2), "other-format"),
        (edited(cells=5), "no-submission"),
        (edited(cells=[5]), "no-submission"),
        (edited(answers={"02-3": "b"}), "no-submission"),
        (edited(answers=[["02-3", 5]]), "no-submission"),
        (edited(lesson="../02"), "no-lesson"),
        (edited(lesson=["02"]), "no-lesson"),
    ],
)
def test_what_is_no_submission_says_why(data, slug):
    _, made, remarks = submission.submissions(handed(("a.json", data)))
    assert made == []
    assert [(remark.slug, remark.look) for remark in remarks] == [(slug, True)]
    assert all({*remark.text} == {"en", "ko"} for remark in remarks)


def test_odd_answers_are_left_out_or_cut():
    answers = [["02-3"], ["02-3", "b" * 10_000], ["77-1", "b"], ["02-3", "b", "c"]]
    one = only(("a.json", edited(answers=answers)))
    assert one.answers == {"02-3": ["b" * submission.LONGEST]}
    assert [remark.slug for remark in one.remarks] == ["unknown-ids"]


def test_names_are_one_line_of_letters_and_not_endless():
    student, _, _ = submission.submissions(handed(("a.json", edited(name="a\n\u202eb\0" + "c" * 999, number=7))))
    assert student.name.startswith("ab") or student.name.startswith("a b")
    assert len(student.name) <= submission.SHORT
    assert student.name.isprintable()
    assert student.number == "7"


@pytest.mark.parametrize(
    ("claimed", "odd"), [("Kim Minji", []), ("minji KIM", []), ("", []), ("Lee Jun", ["other-name"])]
)
def test_where_moodle_says_who_it_is_a_file_cannot_say_otherwise(claimed, odd):
    student, (one,), _ = submission.submissions(handed(("a.json", packed(name=claimed)), certain=True))
    assert (student.name, student.number) == ("Kim Minji", "20260123")
    assert [remark.slug for remark in one.remarks] == odd


def test_elsewhere_the_file_says_it():
    student, _, _ = submission.submissions(handed(("a.json", packed(name="Lee Jun")), name="student-05"))
    assert (student.name, student.folder) == ("Lee Jun", "student-05")


def test_remarks_on_other_versions_and_on_names_of_ours():
    assert [one.slug for one in only(("a.json", edited(version="0.0.1"))).remarks] == ["other-version"]
    cheat = notebook(["def check(*_):\n    return 'correct'", "check('02-q_sample', 0)"])
    assert [(one.slug, one.look) for one in only(("a.ipynb", cheat)).remarks] == [("redefined", True)]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("shape", [lambda text: {"text": [text]}, lambda text: {"data": {"text/plain": text}}])
def test_what_outputs_claim_is_noted(lang, shape):
    with speaking(lang):
        said = shape(str(Result("02-q_sample", "correct", 3, 3, "")))
    one = only(("a.ipynb", notebook(["check('02-q_sample', 0)"], [said, 5, {"data": 5}])))
    assert one.claims == ("02-q_sample",)


def test_the_key_is_that_of_what_is_marked():
    key = only(("a.json", packed())).key
    assert key == only(("other.json", packed(name="Lee"))).key
    assert key != only(("a.json", packed(kept=KEPT[1:]))).key
    assert key != only(("a.json", packed(cells=[CELLS[0], CELLS[1] + "  # a word", *CELLS[2:]]))).key


def test_all_right_answers_survive_the_way():
    kept = [Event(1.0, "answer", one.id, right_answer(one), 1, 1) for one in quiz.load("03").values()]
    one = only(("a.json", submission.packed("03", ["x = 1"], kept, "Kim", "").encode()))
    assert one.answers == {event.id: [event.answer] for event in kept}

"""Exercises: right answers pass however they are written, known mistakes are named, and a learner is told why."""

import copy
import importlib
import itertools
import runpy
import subprocess
import sys
import time
from html import escape
from pathlib import Path

import pytest
import torch
from project import NOTEBOOKS, ROOT

from course.teaching import events, exercises, quiz
from course.teaching.exercises import check, checking, solution
from course.teaching.exercises.spec import Case, Exercise
from course.teaching.language import date
from course.teaching.overview import overview

IDS = exercises.ids()
SEEDS = range(8)


@pytest.fixture(autouse=True)
def _own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.sqlite3"))


def answers(which, id):
    """A learner's function for an exercise, from the "solution" or the "other" file of its lesson."""
    lesson, _, name = id.partition("-")
    return runpy.run_path(ROOT / "tests/lessons" / lesson / f"{which}.py")[f"my_{name}"]


def named(id, fn, seed):
    result = checking.examine(exercises.find(id), fn, seed)
    return result.mistake, result.status


def words(id):
    """The words of an exercise's known mistakes, {slug: {"says", "hint", "more"}}."""
    return quiz.exercises(id[:2])[id]["mistakes"]


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("which", ["solution", "other"])
def test_two_right_answers_pass(which, id):
    for seed in SEEDS:
        result = check(id, answers(which, id), seed)
        assert (result.status, result.points) == ("correct", exercises.POINTS), f"seed {seed}: {result}"


@pytest.mark.parametrize("id", IDS)
def test_the_two_answers_are_written_differently(id):
    one, other = (answers(which, id).__code__ for which in ("solution", "other"))
    assert one.co_code != other.co_code or one.co_names != other.co_names


@pytest.mark.parametrize("id", IDS)
def test_each_known_mistake_fails_and_is_named(id):
    """On one seed: that they are far apart on all of them is shown below."""
    mistakes = exercises.find(id).mistakes
    assert len(mistakes) >= (4 if not id.startswith("00") else 2)
    for slug, fn in mistakes.items():
        assert named(id, fn, SEEDS[0])[0] == slug


@pytest.mark.parametrize("id", IDS)
def test_mistakes_differ_from_the_truth_and_from_each_other_by_far(id):
    """On some input: by more than a hundredth of the largest number, or in shape, or one of them stops."""
    exercise = exercises.find(id)
    for seed in SEEDS:
        cases = list(exercise.cases(torch.Generator().manual_seed(seed)))
        runs = [[checking.outcome(fn, case) for case in cases] for fn in functions(exercise)]
        for one, other in itertools.combinations(runs, 2):
            assert any(far(a, b) for a, b in zip(one, other, strict=True))


def functions(exercise):
    return [exercise.truth, *exercise.mistakes.values()]


def far(a, b):
    if a.error or b.error or not isinstance(a.value, tuple) or not isinstance(b.value, tuple):
        return (a.error, a.value) != (b.error, b.value)
    if [part.shape for part in a.value] != [part.shape for part in b.value]:
        return True
    for x, y in zip(a.value, b.value, strict=True):
        x, y = x.double(), y.double()
        both = x.isfinite() & y.isfinite()
        if (x.isfinite() != y.isfinite()).any():
            return True
        if both.any() and (x - y)[both].abs().max() > 0.01 * max(y[both].abs().max().item(), 1e-3):
            return True
    return False


@pytest.mark.parametrize("id", IDS)
def test_texts_of_a_mistake_say_different_things(id):
    said = words(id)
    assert len({mistake["says"]["en"] for mistake in said.values()}) == len(said)
    for mistake in said.values():
        texts = [mistake[key]["en"] for key in ("says", "hint", "more")]
        assert len({*texts}) == 3
        assert all(20 <= len(text) <= 220 and text.endswith((".", "?")) for text in texts[:2])


@pytest.mark.parametrize("id", IDS)
def test_mistakes_cases_and_picture_have_their_words_and_their_code(id):
    exercise, entry = exercises.find(id), quiz.exercises(id[:2])[id]
    assert [*exercise.mistakes] == [*entry["mistakes"]]
    assert [case.slug for case in exercise.cases(torch.Generator())] == [*entry["cases"]]
    assert (exercise.picture is not None) == ("picture" in entry)


@pytest.mark.parametrize("id", IDS)
def test_the_second_try_gets_the_stronger_hint(id):
    slug, fn = next(iter(exercises.find(id).mistakes.items()))
    said = words(id)[slug]
    first, second = check(id, fn, 0), check(id, fn, 0)
    assert said["says"]["en"] in first.feedback
    assert said["hint"]["en"] in first.feedback
    assert said["more"]["en"] not in first.feedback
    assert said["more"]["en"] in second.feedback


def test_advice_is_given_in_the_language_that_is_asked_for_as_far_as_it_is_written(monkeypatch):
    """Where Korean is not written yet, English is said; nothing is left out."""
    said = copy.deepcopy(words("02-q_sample"))
    said["variance"]["says"]["ko"] = "잡음에 분산을 곱했습니다."
    said["variance"]["hint"].pop("ko", None)
    entry = quiz.exercises("02")["02-q_sample"] | {"mistakes": said}
    monkeypatch.setattr(quiz, "exercises", lambda lesson: {"02-q_sample": entry})
    fn = exercises.find("02-q_sample").mistakes["variance"]
    for language, begins in {"en": "You scale the noise", "ko": "잡음에 분산을"}.items():
        monkeypatch.setenv("COURSE_LANG", language)
        feedback = checking.examine(exercises.find("02-q_sample"), fn, 0).feedback
        assert feedback.startswith(begins)
        assert feedback.endswith(said["variance"]["hint"]["en"])


@pytest.mark.parametrize("id", IDS)
def test_inputs_are_random_and_repeat_with_their_seed(id):
    cases = exercises.find(id).cases

    def drawn(seed):
        return [case.args for case in cases(torch.Generator().manual_seed(seed))]

    assert all(map(same_args, drawn(1), drawn(1)))
    assert not all(map(same_args, drawn(1), drawn(2)))
    assert len({case.slug for case in cases(torch.Generator())}) == len(drawn(1)) >= 2


def same_args(one, other):
    return all(checking._same(a, b, 0) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("id", IDS)
def test_solution_shows_source_of_the_package(id):
    shown = solution(id)
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "course").glob("**/*.py")]
    assert all(any(part in source for source in sources) for part in shown.split("\n\n\n"))
    assert "def " in shown or "class " in shown
    assert shown._repr_html_().startswith("<pre>")


def test_the_catalogue_is_what_the_modules_and_the_lessons_hold():
    for lesson in quiz.lessons():
        module = importlib.import_module(f"course.teaching.lessons.l{lesson}")
        assert [exercise.id for exercise in module.EXERCISES] == exercises.ids(lesson)
    texts = [(path.stem[:2], path.read_text(encoding="utf-8")) for path in NOTEBOOKS]
    for id in IDS:
        call = f'check(\\"{id}\\", my_{id.partition("-")[2]})'
        assert sum(call in text for number, text in texts if number == id[:2]) == 1, id
    assert sum(text.count('"check(') for _, text in texts) == len(IDS)


@pytest.mark.parametrize("id", IDS)
def test_what_a_learner_wrote_is_used_where_it_is_right(id, capsys):
    """Open, wrong, failing or no function: then it is the course's, with the arguments of the exercise."""
    exercise = exercises.find(id)
    right, wrong = answers("solution", id), next(iter(exercise.mistakes.values()))
    assert exercises.use(id, right) is right
    assert f"my_{id[3:]} is right" in capsys.readouterr().out
    for other in (wrong, lambda *given: ..., lambda *given: 1 / 0, None):
        assert exercises.use(id, other) is exercise.truth
        assert "the course's own is used" in capsys.readouterr().out
    assert events.events() == [], "nothing is kept, and no try counted"


def test_what_is_used_is_known():
    with pytest.raises(LookupError, match="there is no exercise"):
        exercises.use("00-none", abs)


def test_the_catalogue_needs_no_torch():
    code = "import sys; from course import check; from course.teaching import exercises; exercises.ids(); "
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# What a learner is told, on an exercise made for the purpose -------------------------------------------------------


def _double(x):
    return 2 * x


def _half(x):
    return x / 2


TWICE = Exercise(
    "09-twice",
    truth=_double,
    cases=lambda g: [Case("pictures", (torch.rand(2, 3, generator=g),)), Case("line", (torch.rand(4, generator=g),))],
    mistakes={"half": _half},
    ours=(_double,),
)
SAID = {"says": {"en": "You halve it."}, "hint": {"en": "The other way."}, "more": {"en": "Multiply by two."}}


@pytest.fixture(autouse=True)
def _words_of_twice(monkeypatch):
    found = quiz.exercises
    cases = {"pictures": {"en": "pictures", "ko": "그림"}, "line": {"en": "a line"}}
    twice = {"09-twice": {"cases": cases, "mistakes": {"half": SAID}}}
    monkeypatch.setattr(quiz, "exercises", lambda lesson: twice if lesson == "09" else found(lesson))


def told(fn, tries=0):
    result = checking.examine(TWICE, fn, 0, tries)
    return result.status, result.feedback


def test_a_stub_is_not_attempted_and_costs_no_try():
    def documented(x):
        """Twice x, (B, ...) -> (B, ...)."""
        ...

    def bare(x): ...

    def passed(x):
        pass

    for stub in (documented, bare, passed):
        assert told(stub)[0] == "not attempted"
    assert check("02-q_sample", bare).status == "not attempted"
    assert events.events() == []


def test_a_forgotten_return_is_no_stub():
    def my_twice(x):
        y = 2 * x  # noqa: F841

    assert told(my_twice) == (
        "not yet",
        "Tested: pictures. It returns nothing: is there a return on every way through it?",
    )


def test_a_crash_names_the_learners_own_line():
    def my_twice(x):
        return torch.cat([x, x[0]], 0)

    status, feedback = told(my_twice)
    assert status == "error"
    line = my_twice.__code__.co_firstlineno + 1
    assert (
        f"RuntimeError: Tensors must have same number of dimensions: got 2 and 1 at line {line}: return torch"
        in feedback
    )


def test_a_changed_input_a_shape_a_dtype_a_type_and_numbers_are_told_apart():
    assert told(lambda x: x.mul_(2)) == (
        "not yet",
        "Tested: pictures. It changes its input x: work on new tensors, without += or x_().",
    )
    assert "The shape should be (2, 3), yours is (3, 2)." in told(lambda x: 2 * x.mT if x.ndim == 2 else x)[1]
    assert "The dtype should be torch.float32, yours is torch.float64." in told(lambda x: 3 * x.double())[1]
    assert "It returns a str; a tensor is asked for." in told(str)[1]
    assert "It returns 2 things where one tensor is asked for;" in told(lambda x: (x, x))[1]
    assert "The numbers differ, by up to" in told(lambda x: 3 * x)[1]
    assert "Some of its numbers are nan or infinite." in told(lambda x: x * torch.inf)[1]
    assert told(lambda x: 2 * x if x.ndim == 2 else 3 * x)[1].startswith("Tested: a line.")


def test_a_known_mistake_is_named_also_in_another_dtype():
    assert told(_half) == ("not yet", "You halve it. The other way.")
    assert told(lambda x: x.double() / 2, tries=1) == ("not yet", "You halve it. The other way. Multiply by two.")


def test_a_card_speaks_korean_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("COURSE_LANG", "ko")
    result = checking.examine(TWICE, lambda x: 3 * x, 0)
    assert str(result).startswith("09-twice: 아직 정답 아님, 3점 만점에 0점\n시험한 입력: 그림. 값이 다릅니다.")
    assert "실패  a line" in str(result)  # not written in Korean yet
    assert "<summary>시험한 항목</summary>" in result._repr_mimebundle_()["text/html"]

    assert "solution('09-twice')" in told(lambda x: 3 * x, tries=1)[1]
    assert "solution" not in told(lambda x: 3 * x)[1]


@pytest.mark.parametrize("thing", [torch.ones(3), None, ..., "my_twice", 3, [_double]])
def test_what_is_no_function_is_said_so_and_costs_no_try(thing):
    said = "check needs the function itself: check('09-twice', my_twice), without brackets after my_twice."
    assert told(thing) == ("not attempted", said)
    check("02-q_sample", thing)
    assert events.events() == []


def test_right_numbers_of_another_dtype_get_two_of_three_points():
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.complex64):
        result = checking.examine(TWICE, lambda x, dtype=dtype: (2 * x).to(dtype), 0)
        assert (result.status, result.points, result.out_of) == ("not yet", 2, 3)
        only = f"only the dtype is not: the answer should be torch.float32, yours is {dtype}."
        assert result.feedback == f"Tested: pictures. The numbers are right; {only}"
    for wrong in (lambda x: 2 * x.int(), lambda x: (2.05 * x).half(), lambda x: 2 * x + 0.1j, lambda x: 2 * x > 1):
        assert checking.examine(TWICE, wrong, 0).points == 0
    assert checking.examine(TWICE, lambda x: x.add_(x).double(), 0).points == 0  # it changes its input


def test_two_of_three_points_are_kept_and_do_not_make_it_done():
    right = answers("solution", "02-q_sample")
    assert check("02-q_sample", lambda *given: right(*given).to(torch.complex128)).points == 2
    assert [(event.points, event.out_of, event.right) for event in events.events()] == [(2, 3, False)]
    lesson = next(lesson for lesson in overview().lessons if lesson.number == "02")
    assert (lesson.points[0], lesson.exercises[0], lesson.begun, lesson.done) == (2, 0, True, False)
    assert "02-q_sample" in lesson.open
    check("02-q_sample", right)
    check("02-q_sample", lambda *given: right(*given).to(torch.complex128))  # what was right stays
    lesson = next(lesson for lesson in overview().lessons if lesson.number == "02")
    assert (lesson.points[0], lesson.exercises[0]) == (3, 1)


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Silent(BaseException):
    def __str__(self):
        raise SystemExit


def raising(error):
    def my_twice(x):
        raise error

    return my_twice


def leaving(name):
    """A learner's function that calls `exit` or `quit` as a notebook has them: a global that would end the kernel."""
    space = {name: type("Autocall", (), {"__call__": lambda self: pytest.fail("the kernel ends")})()}
    exec(f"def my_twice(x):\n    {name}()\n    return 2 * x", space)
    return space["my_twice"], space


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(),
        SystemExit(3),
        GeneratorExit(),
        BaseException("x"),
        Mute(),
        Silent(),
        RecursionError(),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_function_raises_becomes_a_card(error):
    status, feedback = told(raising(error))
    assert status == "error"
    assert f"It stopped with {type(error).__name__}" in feedback
    assert "raise error" in feedback


def test_an_error_is_told_in_a_line_that_can_be_read():
    feedback = told(raising(ValueError("long " * 10_000 + "\n" * 99)))[1]
    assert len(feedback) < 500
    assert "\n" not in feedback


@pytest.mark.parametrize("name", ["exit", "quit"])
def test_exit_ends_the_function_and_not_the_kernel(name):
    fn, space = leaving(name)
    theirs = space[name]
    assert "It stopped with SystemExit" in told(fn)[1]
    assert space[name] is theirs
    assert told(raising(SystemExit()))[0] == "error"
    assert not hasattr(sys.modules[__name__], name)


def test_a_loop_that_is_interrupted_is_passed_on_as_one_line_and_costs_no_try():
    def my_twice(x):
        while True:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        check("02-q_sample", lambda *given: my_twice(None))
    with pytest.raises(KeyboardInterrupt) as caught:
        told(my_twice)
    [line] = caught.value._render_traceback_()  # what IPython shows
    assert line == str(caught.value)
    assert f"at line {my_twice.__code__.co_firstlineno + 2}: raise KeyboardInterrupt" in line
    assert "\n" not in line
    assert events.events() == []


ODD = {  # what a function may give back, and the words by which the learner knows it
    "meta": (lambda x: 2 * x.to("meta"), "Your answer is on meta; answer where the input is"),
    "sparse": (lambda x: (2 * x).to_sparse(), "another layout (sparse_coo)"),
    "compressed": (lambda x: (2 * x.reshape(2, -1)).to_sparse_csr(), "another layout (sparse_csr)"),
    "quantised": (lambda x: torch.quantize_per_tensor(2 * x, 0.1, 0, torch.qint8), "another layout (quantized)"),
    "nested": (lambda x: torch.nested.nested_tensor([x[0], x[1]]), "another layout (nested)"),
    "mkldnn": (lambda x: (2 * x).to_mkldnn(), "another layout (mkldnn)"),
    "meta in a tuple": (lambda x: (2 * x, x.to("meta")), "Your answer is on meta"),
    "array": (lambda x: 2 * x.numpy(), "It returns a numpy array; a tensor is asked for, and torch.from_numpy"),
    "array in a tuple": (lambda x: (x, x.numpy()), "number 2 is of type numpy.ndarray"),
    "None in a tuple": (lambda x: (x, None), "number 2 is of type NoneType"),
    "complex": (lambda x: 1j, "It returns a complex; a tensor is asked for."),
    "generator": (lambda x: (k for k in x), "It returns a generator; a tensor is asked for."),
    "ordered": (lambda x: __import__("collections").OrderedDict(), "It returns an OrderedDict; a tensor"),
    "huge": (lambda x: 10**30, "The shape should be (2, 3), yours is ()."),
    "huger": (lambda x: -(10**400), "The shape should be (2, 3), yours is ()."),
    "bool": (lambda x: True, "The shape should be (2, 3), yours is ()."),
    "numpy number": (lambda x: __import__("numpy").float32(2), "The shape should be (2, 3), yours is ()."),
    "empty": (lambda x: (), "It returns 0 things where one tensor is asked for"),
    "endless": (lambda x: torch.empty(1).expand(2**40), "The shape should be (2, 3), yours is (1099511627776,)."),
    "no numbers": (lambda x: fake(x), "gives no numbers to compare"),
}


def fake(x):
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode().from_tensor(x)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("tries", [0, 1])
def test_whatever_a_function_gives_back_is_named_in_a_line(name, tries):
    fn, words = ODD[name]
    result = checking.examine(TWICE, fn, 0, tries)
    assert result.status == "not yet"
    assert result.points == 0
    assert words in result.feedback
    assert "\n" not in result.feedback
    assert "FAILED" in str(result)


def changes(how):
    def my_twice(x):
        how(x)
        return torch.zeros(2)

    return my_twice


@pytest.mark.parametrize("how", [lambda x: x.zero_(), lambda x: x.resize_(1), lambda x: x.unsqueeze_(0)])
def test_a_changed_input_is_seen_however_it_was_changed(how):
    assert "It changes its input x" in told(changes(how))[1]


PAIR = Exercise(
    "09-pair",
    truth=lambda i, z: (i + 1, 2 * z),
    cases=lambda g: [Case("one", (3, torch.rand(2, generator=g))), Case("two", (10**6, torch.rand(4, generator=g)))],
    mistakes={"same": lambda i, z: (i, 2 * z)},
    ours=(_double,),
)


@pytest.mark.parametrize("number", ["int", "np.int64", "np.int32", "torch.tensor", "np.uint32"])
def test_a_number_is_a_number_whoever_made_it(number, monkeypatch):
    import numpy as np

    entry = {"cases": {"one": {"en": "one"}, "two": {"en": "two"}}, "mistakes": {"same": SAID}}
    monkeypatch.setattr(quiz, "exercises", lambda lesson: {"09-pair": entry})
    made = eval(number, {"np": np, "torch": torch})
    assert checking.examine(PAIR, lambda i, z: (made(i + 1), 2 * z), 0).status == "correct"
    assert checking.examine(PAIR, lambda i, z: (made(i), 2 * z), 0).mistake == "same"
    assert checking.examine(PAIR, lambda i, z: (made(i + 3), 2 * z), 0).points == 0  # exactly, also far out
    assert checking.examine(PAIR, lambda i, z: (float(i + 1), 2 * z), 0).points == 2  # no whole number


def test_a_float_takes_the_dtype_that_is_asked_for(monkeypatch):
    import numpy as np

    halves = [
        Exercise("09-pair", lambda x, to=to: to(x.sum()), TWICE.cases, {}, ()) for to in (float, torch.Tensor.double)
    ]
    entry = {"cases": {"pictures": {"en": "one"}, "line": {"en": "two"}}, "mistakes": {}}
    monkeypatch.setattr(quiz, "exercises", lambda lesson: {"09-pair": entry})
    for exercise in (*halves, Exercise("09-pair", lambda x: x.sum(), TWICE.cases, {}, ())):
        for made in (float, np.float64, lambda s: s.numpy()[()], torch.Tensor.item):
            assert checking.examine(exercise, lambda x, made=made: made(x.sum()), 0).status == "correct"


def test_a_default_device_of_the_learner_does_not_reach_the_course():
    with torch.device("meta"):
        assert told(lambda x: 2 * x)[0] == "correct"
        assert "Your answer is on meta; answer where the input is" in told(lambda x: torch.zeros(2, 3))[1]
        assert check("02-q_sample", answers("solution", "02-q_sample")).status == "correct"


def test_a_stub_that_ended_in_a_syntax_error_is_thought_of():
    """What was defined before still holds, so check sees the empty one."""
    space = {}
    exec("def my_twice(x): ...", space)
    with pytest.raises(SyntaxError):
        exec("def my_twice(x)\n    return 2 * x", space)
    status, feedback = told(space["my_twice"])
    assert status == "not attempted"
    assert "its cell ended in an error" in feedback


def test_misses_of_earlier_kernels_bring_the_stronger_hint():
    slug, fn = next(iter(exercises.find("02-q_sample").mistakes.items()))
    events.note("exercise", "02-q_sample", "not yet", 0, 3)
    assert words("02-q_sample")[slug]["more"]["en"] in check("02-q_sample", fn, 0).feedback


def test_the_stronger_hint_comes_although_nothing_can_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress"))
    slug, fn = next(iter(exercises.find("02-q_sample").mistakes.items()))
    first, second = check("02-q_sample", fn, 0), check("02-q_sample", fn, 0)
    assert "This was not kept: " in first.feedback
    assert "Not kept either." in second.feedback
    assert words("02-q_sample")[slug]["more"]["en"] in second.feedback


def test_an_exercise_that_was_right_says_so_with_its_date():
    right = answers("solution", "02-q_sample")
    assert "Right on" not in check("02-q_sample", lambda *given: 3).feedback
    assert "Right on" not in check("02-q_sample", right).feedback
    for later in (lambda *given: 3, lambda *given: ...):
        assert check("02-q_sample", later).feedback.endswith(f"Right on {date(time.time(), 'en')}.")


def test_global_randomness_is_left_alone():
    before = torch.random.get_rng_state()
    check("02-q_sample", answers("solution", "02-q_sample"))
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_was_attempted_is_kept():
    right = answers("solution", "02-q_sample")
    check("02-q_sample", lambda *args: args[1])
    check("02-q_sample", right)
    kept = [(event.kind, event.id, event.points, event.out_of) for event in events.events()]
    assert kept == [("exercise", "02-q_sample", 0, 3), ("exercise", "02-q_sample", 3, 3)]


def test_a_progress_that_cannot_be_kept_is_said(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(Path("/dev/null/progress.sqlite3")))
    result = check("02-q_sample", answers("solution", "02-q_sample"))
    assert result.status == "correct"
    assert "This was not kept: " in result.feedback


@pytest.mark.parametrize("id", ["02-nothing", "77-x", "", None])
def test_an_unknown_exercise_is_named(id):
    with pytest.raises(LookupError, match="there is no exercise"):
        check(id, _double)


def test_the_card_says_the_same_in_words_and_in_html():
    result = checking.examine(TWICE, lambda x: 2 * x if x.ndim == 2 else x, 0)
    page = result._repr_mimebundle_()
    assert page["text/plain"] == str(result)
    for text in ("09-twice: not yet", "0 of 3 points", "passed", "FAILED", "a line"):
        assert text in page["text/html"]
    assert "passed  pictures" in str(result)
    assert "FAILED  a line" in str(result)
    assert "&lt;b&gt;" in checking.replace(result, feedback="<b>")._repr_mimebundle_()["text/html"]


def test_a_picture_shows_yours_beside_the_truth():
    pictured = [id for id in IDS if exercises.find(id).picture]
    assert len(pictured) >= 3
    for id in pictured:
        page = check(id, answers("solution", id), 0)._repr_mimebundle_()["text/html"]
        assert 'src="data:image/png' in page
        caption = escape(quiz.exercises(id[:2])[id]["picture"]["en"])
        assert f'alt="{caption}"' in page
        assert f"<figcaption>{caption}</figcaption>" in page
        assert check(id, lambda *args: 3, 0).figure is None


def test_a_known_mistake_is_no_right_answer_in_a_coarse_dtype():
    """bfloat16 has steps of 1/128: what differs from the truth by as much must not pass for it."""
    for id in IDS:
        exercise = exercises.find(id)
        cases = list(exercise.cases(torch.Generator().manual_seed(0)))
        truth = [checking.outcome(exercise.truth, case) for case in cases]
        for fn in exercise.mistakes.values():
            made = [rounded(checking.outcome(fn, case)) for case in cases]
            assert not all(checking.agree(a, b, dtype=False) for a, b in zip(made, truth, strict=True))


def rounded(outcome):
    if outcome.value is None:
        return outcome
    floats = [part.bfloat16() if part.is_floating_point() else part for part in outcome.value]
    return checking.replace(outcome, value=tuple(floats))


def test_a_decorated_function_is_looked_into():
    @torch.no_grad()
    def my_twice(x): ...

    @torch.no_grad()
    def fails(x):
        return x + nothing  # noqa: F821

    assert told(my_twice)[0] == "not attempted"
    assert f"at line {fails.__wrapped__.__code__.co_firstlineno + 2}: return x + nothing" in told(fails)[1]


def test_a_name_of_the_learners_stays_theirs():
    globals()["exit"] = torch.ones(())
    try:
        assert told(lambda x: 2 * x * exit)[0] == "correct"
    finally:
        del globals()["exit"]


def test_one_tensor_where_two_are_asked_for_is_no_tuple_too_many():
    feedback = check("04-training_pair", lambda alpha_bar, x0, t, eps: x0, 0).feedback
    assert "It returns 1 where 2 tensors are asked for: return them all" in feedback

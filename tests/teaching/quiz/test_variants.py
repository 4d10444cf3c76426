"""Every student's own numbers: the standard ones stay, a name has the same for ever, and each is told from the rest."""

import dataclasses
import hashlib
import itertools
import json
import math
import random
import re
import sys
import unicodedata
from html import unescape

import pytest
import torch
import yaml
from project import run

from course.forward import convert, q_posterior
from course.samplers import ddim
from course.schedules import Schedule, linear
from course.teaching import events, quiz
from course.teaching.language import LANGUAGES, say
from course.teaching.lessons import v01
from course.teaching.quiz import page as quiz_page
from course.teaching.quiz.filling import drawer, with_numbers
from course.teaching.quiz.marking import mark, right_answer
from course.teaching.quiz.page import ask
from course.teaching.quiz.questions import Question, entry
from course.teaching.quiz.validate import validate
from course.teaching.quiz.variants import choose, draw_seed, forget, mine, varied
from course.viz.html import formulas

# sha256 of each question as it stood in its file before it could vary, as JSON with its keys in order
BEFORE = {
    "01-3": "92bce52a89bde62791a011b0ac5326ef",
    "02-6": "79936c63e12492f37eaa0353fd857805",
    "02-8": "57512991e3f1d13487c4d405d5108986",
    "03-7": "7ada447028eb0248831d4663f2ec0412",
    "03-11": "bf30c9d9eb482d9f72d1c017224b1723",
    "04-3": "c3fa480c3f252e1f6facb6c1c31bdab6",
    "04-6": "827a08d5bf6af6bdf189a33362f75629",
    "05-5": "85acde34278415b586bcf5315f9cc4ea",
    "05-11": "80dc85437345b55ba4802ab3d282a554",
    "06-7": "9b7ec9fb35c17c2405962cac880d889e",
}
VARY = [question for lesson in quiz.lessons() for question in quiz.load(lesson).values() if question.vary]
IDS = [question.id for question in VARY]
STUDENTS = [("spring-27", "Kim Minji"), ("spring-27", "김민지"), ("other", "José Álvarez")]


class Evenly:
    """Stands for a random.Random: its one number is a share of the way through all draws."""

    def __init__(self, share):
        self.share = share

    def random(self):
        return self.share


def every(id, count=2000):
    """All variants of a question, each once: no list of draws is longer than `count`."""
    drawn = (drawer(id)(Evenly((k + 0.5) / count)) for k in range(count))
    different = {json.dumps(numbers): (numbers, values) for numbers, values in drawn}
    return [Question(**with_numbers(entry(id), *found), own=True) for found in different.values()]


EVERY = {id: every(id) for id in IDS}


def texts(question):
    """All that a learner may read of a question: [{en, ko}]."""
    said = [question.prompt, question.otherwise, question.explanation, *(a["feedback"] for a in question.answers)]
    return said + ([question.unit["feedback"]] if question.unit else [])


def values(question):
    return [answer["value"] for answer in question.answers]


def asked_and_marked(question):
    """The numbers in a prompt, and the values of the answers: ([number], [number])."""
    return given(EXACT[question.id][0], question.prompt["en"]), values(question)


def digest(thing):
    return hashlib.sha256(json.dumps(thing, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:32]


# Nothing else changes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", VARY, ids=IDS)
def test_the_standard_question_is_what_it_was(question):
    defaults = {"otherwise": None, "items": (), "unit": None, "further": False, "vary": True, "own": False}
    found = dataclasses.asdict(question)
    stood = {key: value for key, value in found.items() if key not in defaults or value != defaults[key]}
    assert digest(stood) == BEFORE[question.id]


def test_ten_questions_vary():
    assert [*BEFORE] == IDS


def test_a_question_that_does_not_vary_comes_back_itself():
    others = [q for lesson in quiz.lessons() for q in quiz.load(lesson).values() if not q.vary]
    assert len(others) > 50
    assert all(varied(question, "a", "b") is question for question in others)


def test_no_torch_is_needed():
    program = """
import sys
from course.teaching import quiz
from course.teaching.quiz import variants
assert all(variants.varied(q, "a", "b").own == q.vary for n in quiz.lessons() for q in quiz.load(n).values())
sys.exit("torch" in sys.modules)
"""
    done = run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr


# For ever ---------------------------------------------------------------------------------------------------------

# Never to be changed: the numbers in the prompt, by which students were asked, and the values, by which they were
# marked. Another list to draw from, or another order of it, would give them other ones.
FOR_EVER = {
    ("spring-27", "Kim Minji"): {
        "01-3": ([0.75, 0.6], [0.45, 0.15, 0.2025, 0.96]),
        "02-6": ([0.8, 0.55], [0.748, 0.56, 1.118, 0.806, 0.663]),
        "02-8": ([0.36, 1.6, 0.6], [-1.133, 1.133, -0.92, 0.36, 1.867]),
        "03-7": ([0.75, 0.6], [0.354, 0.125, 0.447, 0.15, 0.306]),
        "03-11": ([0.5, 0.42], [0.2292, 0.21, 1, 0.762, 0.175]),
        "04-3": ([430, 0.152, 0.72, 430], [0.1157, 0.1094, 0.152, 0.34]),
        "04-6": ([960, 0.0053, 106], [7.72, 0.562, 0.0728, 59.6]),
        "05-5": ([0.36, 0.64, 1.6, 0.8, 0], [1.76, 1.248, 1.92, 1.6, 1.312]),
        "05-11": ([70], [69, 70, 0, 1000, 999]),
        "06-7": ([85, 0.3], [25, 26, 85, 60, 50, 25.5]),
    },
    ("spring-27", "김민지"): {
        "01-3": ([0.75, 0.6], [0.45, 0.15, 0.2025, 0.96]),
        "02-6": ([0.8, 0.75], [0.632, 0.4, 0.947, 0.671, 0.775]),
        "02-8": ([0.36, 1.5, 0.7], [-0.833, 0.833, -0.78, 0.42, 1.567]),
        "03-7": ([0.5, 0.3], [0.535, 0.286, 0.632, 0.2, 0.378]),
        "03-11": ([0.45, 0.36], [0.2795, 0.25, 1, 0.8, 0.224]),
        "04-3": ([395, 0.203, 0.72, 395], [0.1577, 0.1462, 0.203, 0.397]),
        "04-6": ([985, 0.0054, 135], [9.92, 0.729, 0.0735, 98.4]),
        "05-5": ([0.36, 0.64, 1.7, 0.7, 0], [1.94, 1.332, 2.08, 1.7, 1.468]),
        "05-11": ([77], [76, 77, 0, 1000, 999]),
        "06-7": ([90, 0.15], [13, 14, 90, 77, 26, 13.5]),
    },
    ("other", "José Álvarez"): {
        "01-3": ([0.95, 0.7], [0.642, 0.25, 0.4125, 1.18]),
        "02-6": ([0.7, 0.6], [0.762, 0.58, 1.18, 0.837, 0.648]),
        "02-8": ([0.36, 1.4, 0.6], [-0.867, 0.867, -0.76, 0.36, 1.533]),
        "03-7": ([0.4, 0.28], [0.5, 0.25, 0.548, 0.12, 0.316]),
        "03-11": ([0.7, 0.63], [0.1733, 0.164, 1, 0.608, 0.105]),
        "04-3": ([470, 0.105, 0.72, 470], [0.0785, 0.0756, 0.105, 0.28]),
        "04-6": ([965, 0.0046, 111], [7.53, 0.511, 0.0678, 56.7]),
        "05-5": ([0.36, 0.64, 0.9, 0.3, 0], [1.06, 0.708, 1.12, 0.9, 0.812]),
        "05-11": ([30], [29, 30, 0, 1000, 999]),
        "06-7": ([35, 0.3], [10, 11, 35, 25, 20, 10.5]),
    },
}
# sha256 of the same of all variants of a question, in the order of the list that is drawn from
ALL = {
    "01-3": "7e92d2822ffff97442ed8bfda939990a",
    "02-6": "721551b11768a55ab554753824f19b3c",
    "02-8": "e11476c27abd8b7fb2d9e0f5d330499f",
    "03-7": "5b61780e59f492cb3dad3bf85eb6d595",
    "03-11": "d0d233a09ae28a44a09bd3bd5c833b44",
    "04-3": "f5be0a9e21b13736bcd22e79c496dbd9",
    "04-6": "0cb7b12b4292418cab4499851c4e0980",
    "05-5": "6250c378b69f9c0671f0441b881bdf91",
    "05-11": "7a4fc394fb315b6010f002a1c8ef37d0",
    "06-7": "10a3d5bbe90dbe6ca8b4511bed77d797",
}


def test_the_seed_is_that_of_secret_name_and_id():
    text = b"spring-27\0kim minji\x0002-6"
    assert draw_seed("spring-27", "Kim Minji", "02-6") == int(hashlib.sha256(text).hexdigest(), 16)


def test_however_a_name_is_typed_it_has_one_seed():
    for name, others in {
        "Kim Minji": ["kim  minji", " KIM\tMINJI\n", "Kim Minji"],
        "김민지": [unicodedata.normalize("NFD", "김민지"), " 김민지 "],
        "José Álvarez": [unicodedata.normalize("NFD", "josé álvarez")],
    }.items():
        assert {draw_seed("a", other, "02-6") for other in others} == {draw_seed("a", name, "02-6")}
    seeds = [
        draw_seed(*some) for some in (("a", "b", "02-6"), ("a", "b", "02-8"), ("a", "c", "02-6"), ("b", "b", "02-6"))
    ]
    assert len({*seeds}) == 4


@pytest.mark.parametrize("student", STUDENTS, ids=" ".join)
def test_a_name_and_a_secret_give_the_same_for_ever(student):
    for question in VARY:
        own = varied(question, *student)
        assert own.own
        assert asked_and_marked(own) == FOR_EVER[student][question.id]


@pytest.mark.parametrize("id", IDS)
def test_no_draw_is_ever_another(id):
    assert digest([asked_and_marked(own) for own in EVERY[id]]) == ALL[id]


def test_only_the_one_method_that_python_keeps_is_called():
    """`Evenly` has no other; and the first number of a random.Random is the one that is taken."""
    for question in VARY:
        seeded = random.Random(draw_seed(*STUDENTS[0], question.id))
        numbers, found = drawer(question.id)(Evenly(seeded.random()))
        assert varied(question, *STUDENTS[0]) == Question(**with_numbers(entry(question.id), numbers, found), own=True)


def test_a_class_has_other_numbers():
    names = [f"student {k}" for k in range(30)]
    alike = [len({varied(question, "a", name).prompt["en"] for name in names}) for question in VARY]
    assert min(alike) >= 10
    assert len({tuple(varied(question, "a", name).prompt["en"] for question in VARY) for name in names}) == 30


# Every variant is sound -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_every_known_number_of_every_variant_is_told_from_the_others(id):
    standard = quiz.find(id)
    assert len(EVERY[id]) >= 15
    for own in EVERY[id]:
        for answer, stored in zip(own.answers, standard.answers, strict=True):
            assert answer["correct"] == stored["correct"]
            assert answer["tolerance"] >= stored["tolerance"]
            for typed in (answer["value"], answer["value"] - 0.99 * answer["tolerance"], right_answer(own)):
                marked = mark(own, str(typed))
                expected = own.answers[0] if typed == right_answer(own) else answer
                assert marked.feedback == (expected["feedback"],)
                assert marked.correct == expected["correct"]
        assert not mark(own, right_answer(standard)).correct
        assert not mark(standard, right_answer(own)).correct


@pytest.mark.parametrize("id", IDS)
def test_nothing_but_numbers_differs_and_no_name_is_left(id):
    for own in EVERY[id]:
        for text, stored in zip(texts(own), texts(quiz.find(id)), strict=True):
            for lang in LANGUAGES:
                assert plain(text[lang]) == plain(stored[lang])
        assert dataclasses.replace(own, own=False).kind == "number"


def plain(text):
    """A text without numbers and the particles behind them."""
    text = re.sub(r"nearly (three|four|five|six) times|(세|네|다섯|여섯) 배에", "#", text)
    text = re.sub(r"\b(Twenty|Thirty|Forty|Fifty|Sixty|Seventy|Eighty|Ninety)(-[a-z]+)?\b", "#", text)
    text = re.sub(r"-?\d+(\.\d+)?", "#", text)
    return re.sub(r"(#\)?)(을|를|은|는|이|가|과|와|으로|로|이라는|라는)(?= )", r"\1", text)


NAMES = "영일이삼사오육칠팔구"
PAIRS = ["을를", "은는", "이가", "과와", ("으로", "로"), ("이라는", "라는")]


def wrong_particles(text):
    """Particles behind numbers that do not fit how the number is read, and how many there are."""
    found = re.findall(r"(?<![\w.])[\d.,]*(\d)\)?(을|를|은|는|이|가|과|와|으로|로|이라는|라는)(?=[\s,]|$)", text)
    for digit, particle in found:
        final = (ord(NAMES[int(digit)]) - 0xAC00) % 28  # 0: none, 8: l
        pair = next(pair for pair in PAIRS if particle in (*pair,))
        fits = pair[final == 0 or (final == 8 and pair[0] == "으로")]
        if particle != fits:
            yield f"{digit}{particle}"


def test_a_wrong_particle_is_seen():
    assert [*wrong_particles("0.3을 2를 1은 4는 sqrt(0.5)와 0으로 7로 30이라는 2라는")] == []
    assert [*wrong_particles("0.3를 2을, 1는 4은 sqrt(0.5)과 0로 7으로 30라는 2이라는")] == [
        "3를", "2을", "1는", "4은", "5과", "0로", "7으로", "0라는", "2이라는",
    ]  # fmt: skip


@pytest.mark.parametrize("id", IDS)
def test_korean_particles_fit_every_number(id):
    for own in EVERY[id]:
        assert [wrong for text in texts(own) for wrong in wrong_particles(text["ko"])] == []


def table(*alpha_bar):
    return Schedule(torch.tensor([1.0, *alpha_bar], dtype=torch.float64))


def one(value):
    return torch.full((1, 1), value, dtype=torch.float64)


def at(t):
    return torch.tensor([t])


def v_of(alpha_bar, x_t, eps):
    schedule = table(alpha_bar)
    clean = convert(schedule, one(x_t), at(1), one(eps), "eps", "x0").item()
    v = convert(schedule, one(x_t), at(1), one(eps), "eps", "v").item()
    cos, sin = math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)
    return [v, -v, cos * eps - sin * x_t, cos * eps, clean]


def spread_of(before, now):
    _, std = q_posterior(table(before, now), one(0.3), one(0.7), at(2), at(1))
    std, beta = std.item(), 1 - now / before
    return [std, std**2, math.sqrt(beta), before - now, std * math.sqrt((before - now) / beta)]


def factor_of(before, now):
    """By how much the mean of the step moves for one unit of eps."""
    schedule, means = table(before, now), []
    for eps in (0.0, 1.0):
        clean = convert(schedule, one(0.7), at(2), one(eps), "eps", "x0")
        means.append(q_posterior(schedule, clean, one(0.7), at(2), at(1))[0].item())
    factor, alpha = means[0] - means[1], now / before
    return [factor, factor * math.sqrt(alpha), 1, math.sqrt(1 - now), (1 - alpha) / math.sqrt(alpha)]


def guess_of(t, alpha_bar, square, same_t):
    assert alpha_bar == pytest.approx(linear().at(torch.tensor(t)).item(), rel=5e-3)
    eps, clean = torch.tensor([1.0, -1.0]), torch.tensor([[1.0], [-1.0]]) * math.sqrt(square)
    x_t = math.sqrt(alpha_bar) * clean + math.sqrt(1 - alpha_bar) * eps  # all four pairs of two equal numbers
    loss = (x_t - eps).double().square().mean().item()
    return [loss, alpha_bar * square, alpha_bar, math.sqrt(loss)]


def error_of(t, loss, sigma):
    assert sigma == round(linear().sigma(torch.tensor(t)).item())
    return [math.sqrt(loss) * sigma, loss * sigma, math.sqrt(loss), loss * sigma**2]


def step_of(now, before, x_t, eps, eta):
    schedule = table(before, now)
    model = lambda x, t, cond=None: one(eps)  # noqa: E731
    x_s = next(iter(ddim(model, schedule, one(x_t), torch.tensor([2, 1]), eta=eta))).x.item()
    clean = (x_t - math.sqrt(1 - now) * eps) / math.sqrt(now)
    a, b = math.sqrt(before), math.sqrt(1 - before)
    other = [a * math.sqrt(now) * clean + b * eps, a * clean + math.sqrt(1 - now) * eps, x_t]
    return [x_s, *other, before * clean + (1 - before) * eps]


def calls_of(steps, strength):
    called = int(steps * strength)
    return [called, called + 1, steps, steps - called, 2 * called, steps * strength]


# what the English prompt gives, and what follows from it
EXACT = {
    "01-3": (r"std (?:of )?([\d.]+)", lambda a, b: [math.sqrt(a * a - b * b), a - b, a * a - b * b, math.hypot(a, b)]),
    "02-6": (
        r"= ([\d.]+)",
        lambda a, b: [
            math.sqrt(b * (1 - a) + 1 - b),
            b * (1 - a) + 1 - b,
            math.sqrt(1 - a) + math.sqrt(1 - b),
            math.sqrt(2 - a - b),
            math.sqrt(a * b),
        ],
    ),
    "02-8": (r"= ([\d.]+)", v_of),
    "03-7": (r"= ([\d.]+)", spread_of),
    "03-11": (r"= ([\d.]+)", factor_of),
    "04-3": (r"(?:_{|= |is )(\d[\d.]*\d)", guess_of),
    "04-6": (r"(?:= |loss )([\d.]+)", error_of),
    "05-5": (r"= ([\d.]+)", step_of),
    "05-11": (r"with (\d+)", lambda n: [n - 1, n, 0, 1000, 999]),
    "06-7": (r"=([\d.]+)", calls_of),
}


def given(pattern, text):
    return [float(number) if "." in number else int(number) for number in re.findall(pattern, text)]


@pytest.mark.parametrize("id", IDS)
def test_every_value_follows_from_its_prompt(id):
    pattern, exact = EXACT[id]
    for own in [quiz.find(id), *EVERY[id]]:
        for answer, value in zip(own.answers, exact(*given(pattern, own.prompt["en"])), strict=True):
            assert abs(answer["value"] - value) <= answer["tolerance"] / 2 + 1e-9, own.prompt["en"]


@pytest.mark.parametrize("id", IDS)
def test_every_sum_in_a_text_comes_out(id):
    """What stands between two equal signs is reckoned again: sqrt, products, sums, powers, int."""
    count = 0
    for own in EVERY[id]:
        for text in texts(own):
            for said in text.values():
                for left, right in sums(said):
                    assert left == pytest.approx(right, rel=0.01, abs=0.0006), said
                    count += 1
    assert count > 0 or id == "05-11"


NUMBER = r"\d+(?:\.\d+)?(?:\^\d)?"
TERM = rf"(?:-?{NUMBER}|(?:sqrt|int)?\({NUMBER}(?: [-+x/] {NUMBER})*\))"
SIDE = rf"{TERM}(?: [-+x/] {TERM})*"


def sums(said):
    """Pairs of numbers that a text calls equal."""
    for found in re.findall(rf"(?<![\w.]){SIDE}(?: = {SIDE})+", said):
        yield from itertools.pairwise(map(reckoned, found.split(" = ")))


def reckoned(side):
    return eval(side.replace("^", "**").replace(" x ", " * "), {"sqrt": math.sqrt, "int": int})


def test_a_sum_that_does_not_come_out_is_seen():
    assert [*sums("v = (1 - 0.8 x 0.5) / 0.6 = 1, and x_0 = sqrt(0.16) = 0.5.")] == [(1, 1), (0.4, 0.5)]
    assert [*sums("int(50 x 0.75) = 37: 2^2 - 1 = 3 = 4")] == [(37, 37), (3, 3), (3, 4)]


# Where a learner's variant is kept, and where it is asked ---------------------------------------------------------


@pytest.fixture
def learner(tmp_path, monkeypatch):
    """A learner who has done and chosen nothing yet, and reads English; the folder of what is kept."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "kept" / "progress"))
    monkeypatch.setenv("COURSE_LANG", "en")
    monkeypatch.delenv("COURSE_VARIANT", raising=False)
    quiz_page._shown.clear()
    yield tmp_path / "kept"
    quiz_page._shown.clear()


def test_a_variant_is_kept_and_forgotten(learner):
    assert mine() is None
    forget()  # nothing is there, and that is no fault
    assert choose("spring-27", "  Kim \t Minji ") == mine() == ("spring-27", "Kim Minji")
    assert [path.name for path in learner.iterdir()] == ["progress.variant"]
    choose("a", "김/민지")
    assert mine() == ("a", "김/민지")
    forget()
    assert mine() is None
    assert [*learner.iterdir()] == []


def test_the_environment_goes_before(learner, monkeypatch):
    choose("a", "b")
    monkeypatch.setenv("COURSE_VARIANT", "c/d e/f")
    assert mine() == ("c", "d e/f")
    monkeypatch.setenv("COURSE_VARIANT", "")
    assert mine() == ("a", "b")
    for odd in ("c", "c/", "/d", " /d", "c/ "):
        monkeypatch.setenv("COURSE_VARIANT", odd)
        with pytest.raises(ValueError, match="a variant is SECRET/NAME"):
            mine()


@pytest.mark.parametrize(("secret", "name"), [("", "b"), (" ", "b"), ("a", ""), ("a", " \t"), ("a/b", "c")])
def test_what_could_not_be_read_back_is_not_kept(learner, secret, name):
    with pytest.raises(ValueError, match="a variant is SECRET/NAME"):
        choose(secret, name)
    assert not learner.exists()


def test_a_place_that_cannot_be_written_is_told(learner):
    learner.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="kept"):
        choose("a", "b")
    assert mine() is None


def shown(asked):
    bundle = asked._repr_mimebundle_()
    return [asked.prompt.value, bundle["text/plain"], bundle["text/html"]]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("id", IDS)
def test_the_page_asks_the_learners_own_numbers(learner, monkeypatch, id, lang):
    monkeypatch.setenv("COURSE_LANG", lang)
    standard, own = quiz.find(id), varied(quiz.find(id), "spring-27", "b")
    before = shown(ask(id))
    assert all(say("question.own", lang) not in page for page in before)
    choose("spring-27", "B")
    for later in (False, True):
        asked = ask(id, later=later)
        assert asked.question == own
        assert formulas(own.prompt[lang]) in asked.prompt.value
        assert all(say("question.own", lang) in page for page in shown(asked))
        assert formulas(standard.prompt[lang]) not in "".join(shown(asked))
    forget()
    assert shown(ask(id)) == before


def test_a_question_that_does_not_vary_is_shown_as_ever(learner):
    before = shown(ask("01-1")), shown(ask("01-5"))
    choose("a", "b")
    assert (shown(ask("01-1")), shown(ask("01-5"))) == before


@pytest.mark.parametrize("id", IDS)
def test_ones_own_answer_is_right_and_the_standard_one_is_not(learner, id):
    choose("spring-27", "b")
    standard, own = quiz.find(id), varied(quiz.find(id), "spring-27", "b")
    assert right_answer(standard) != right_answer(own)
    for answer in own.answers:
        asked = ask(id, answer=str(answer["value"]))
        assert asked.result.correct == answer["correct"]
        assert asked.result.feedback == (answer["feedback"],)
    asked = ask(id, answer=right_answer(standard))
    assert not asked.result.correct
    asked = ask(id, answer=right_answer(standard))
    assert own.explanation["en"] in unescape(asked.status.value)
    kept = events.history(id)
    assert [event.answer for event in kept] == [str(v) for v in values(own)] + [right_answer(standard)] * 2
    assert [event.points for event in kept] == [own.points, *[0] * (len(own.answers) + 1)]


def test_what_is_asked_of_all_stays_the_standard(learner):
    choose("a", "b")
    assert [question for lesson in quiz.lessons() for question in quiz.load(lesson).values() if question.vary] == VARY


# What `quiz --validate` says --------------------------------------------------------------------------------------

SOUND = """\
lesson: "01"
questions:
  - id: "01-1"
    kind: number
    vary: true
    depth: compute
    points: 2
    prompt:
      en: 'How much is ${left}_{ a} + {right}$?'
      ko: '${left}_{ a} + {right:을/를}$ 더하면 얼마인가요?'
    answers:
      - {value: 5, tolerance: 0, correct: true, feedback: {en: "Yes, {sum}.", ko: "네, {sum}입니다."}}
      - {value: 23, tolerance: 1, correct: false, feedback: {en: "You wrote them down.", ko: "이어 적었습니다."}}
    otherwise: {en: "Count from {left}.", ko: "{left}부터 세어 보세요."}
    explanation: {en: "It is {sum}.", ko: "{sum}입니다."}
"""


def added(r):
    """Two small numbers and their sum."""
    left, right = (2, 3) if r is None else (1 + int(9 * r.random()), 1 + int(9 * r.random()))
    return {"left": str(left), "right": str(right), "sum": str(left + right)}, [left + right, 10 * left + right]


@pytest.fixture
def complaints(tmp_path, monkeypatch):
    """A function that says what is wrong with a file whose one question has this function in the lesson's code."""

    def found(text, function=added):
        if function:
            monkeypatch.setitem(v01.VARIANTS, "01-1", function)
        (tmp_path / "01_one.yaml").write_text(text, encoding="utf-8")
        return validate(tmp_path / "01_one.yaml")

    return found


def test_a_question_that_varies_is_sound(complaints):
    assert complaints(SOUND) == []


UNSOUND = {
    "a name that is not drawn": (
        ("Count from {left}", "Count from {start}"),
        "01_one.yaml:14: 01-1: {start} is no number",
    ),
    "LaTeX that looks like a name": (
        ("_{ a}", "_{a}"),
        "01_one.yaml:9: 01-1: {a} is no number of this question; LaTeX",
    ),
    "a standard value that is not the function's": (
        ("value: 5,", "value: 6,"),
        "the values are [6, 23], by the function",
    ),
    "one answer too few for the function": (("lesson", "lesson"), "the values are [5, 23], by the function of the"),
    "names where nothing varies": (("    vary: true\n", ""), "is filled in only where the question says vary: true"),
    "vary as a word": (("vary: true", "vary: yes please"), "is not of type 'boolean'"),
    "LaTeX that cannot be set": (("${left}_{ a}", r"$\alpah {left}_{ a}"), "LaTeX that cannot be set"),
}


@pytest.mark.parametrize(("change", "complaint"), UNSOUND.values(), ids=UNSOUND)
def test_what_is_wrong_with_a_question_that_varies_is_said(complaints, change, complaint):
    three = lambda r: (added(r)[0], [*added(r)[1], 7])  # noqa: E731
    said = complaints(SOUND.replace(*change), three if change[0] == change[1] else added)
    assert any(complaint in line for line in said), said


def test_a_number_that_no_text_has_is_said(complaints):
    said = complaints(SOUND, lambda r: (added(r)[0] | {"more": "1"}, added(r)[1]))
    assert said == ["01_one.yaml:5: 01-1: more is drawn and stands in no text"]


def test_a_missing_function_is_said(complaints):
    complaint = "01_one.yaml:5: 01-1: course/teaching/lessons/v01.py has no function for 01-1 in VARIANTS"
    assert complaint in complaints(SOUND, function=None)
    elsewhere = SOUND.replace("01", "77").replace('"77-1"', '"77-1"')
    assert any("lessons/v77.py has no function for 77-1" in line for line in complaints(elsewhere, function=None))


def test_answers_that_overlap_in_some_variant_are_said(complaints):
    """1 + 9 = 10 may be taken for 10 * 1 + 0 only if a draw gives it."""
    near = lambda r: (added(r)[0], [5, 23] if r is None else [added(r)[1][0]] * 2)  # noqa: E731
    assert any("as a variant, How much is" in line and "overlap within" in line for line in complaints(SOUND, near))


@pytest.mark.parametrize("id", ["01-1", "01-6", "01-9", "01-10"])
def test_only_numbers_may_vary(complaints, id):
    alone = json.loads(json.dumps(entry(id))) | {"id": "01-1", "vary": True}
    said = complaints(yaml.safe_dump({"lesson": "01", "questions": [alone]}, allow_unicode=True))
    assert any("it has no place in a question or an answer of this kind" in line for line in said), said

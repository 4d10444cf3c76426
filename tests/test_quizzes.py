"""The quizzes as data: the schema, what a schema cannot say, and every number computed again from its formula."""

import copy
import itertools
import json
import math
import re
from decimal import Decimal

import jsonschema
import pytest
import torch
import yaml
from conftest import LESSONS, ROOT
from sklearn.datasets import load_digits

FILES = sorted((ROOT / "quizzes").glob("*.yaml"))
SCHEMA = json.loads((ROOT / "quizzes" / "schema.json").read_text(encoding="utf-8"))
POINTS = {"recall": 1, "reason": 2, "compute": 2}


class OneKeyLoader(yaml.SafeLoader):
    """SafeLoader keeps the last of two equal keys without a word; this one refuses them."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: a key stands twice in {keys}"
        return super().construct_mapping(node, deep=deep)


def read(path):
    return yaml.load(path.read_text(encoding="utf-8"), OneKeyLoader)


QUIZZES = {path.stem: read(path) for path in FILES}
QUESTIONS = {question["id"]: question for quiz in QUIZZES.values() for question in quiz["questions"]}


# What is wrong with a quiz, as a list of sentences ------------------------------------------------------------


def texts(node, path=()):
    """Yield (path, {en, ko}) for every text that a learner reads."""
    if isinstance(node, dict) and {"en", "ko"} == set(node) and isinstance(node["en"], str):
        yield path, node
    elif isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from texts(child, (*path, key))


def letters(entries):
    return [entry["id"] for entry in entries] == list("abcdefgh"[: len(entries)])


def faults_of_question(question):
    answers = question["answers"]
    kind = question["kind"]
    if question["points"] != POINTS[question["depth"]]:
        yield "the points do not follow from the depth"
    if kind in ("choice", "several") and not letters(answers):
        yield "the options are not lettered a, b, c, ..."
    if kind == "order":
        if not letters(question["items"]):
            yield "the items are not lettered a, b, c, ..."
        shown = [item["id"] for item in question["items"]]
        orders = [answer["order"] for answer in answers]
        if any(sorted(order) != sorted(shown) for order in orders):
            yield "an order is no permutation of the items"
        if any(answer["correct"] and answer["order"] == shown for answer in answers):
            yield "the items are shown in the right order"
        if len({tuple(order) for order in orders}) < len(orders):
            yield "an order stands twice"
    if kind == "number":
        for one, other in itertools.combinations(answers, 2):
            if abs(one["value"] - other["value"]) <= one["tolerance"] + other["tolerance"]:
                yield f"{one['value']} and {other['value']} overlap within their tolerances"
    if kind == "text":
        forms = [form.replace(" ", "") for answer in answers for form in answer["forms"]["en"] + answer["forms"]["ko"]]
        yield from (f"the form {form} stands twice" for form in set(forms) if forms.count(form) > 1)
    for language in ("en", "ko"):
        said = [text[language] for path, text in texts(question) if {"feedback", "missed", "otherwise"} & {*path}]
        if len(said) > len(set(said)):
            yield f"two feedbacks are equal ({language})"
        options = [text[language] for path, text in texts(question) if path[-1] == "text"]
        if len(options) > len(set(options)):
            yield f"two options are equal ({language})"
    for path, text in texts(question):
        for words in text.values():
            if words.count("$") % 2 or re.search("[<>`]|[*]{2}", words):
                yield f"markup or a lone dollar: {words}"
            if path[-1] != "prompt" and re.search(r"[$\\]", words):
                yield f"mathematics outside a prompt: {words}"


def faults(quiz):
    """Return what is wrong with a quiz, one sentence a fault; what the schema refuses comes alone."""
    found = [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(quiz)]
    if found:
        return found
    ids = [question["id"] for question in quiz["questions"]]
    if ids != [f"{quiz['lesson']}-{number}" for number in range(1, len(ids) + 1)]:
        found.append("the ids do not run 1, 2, 3, ... under the lesson's number")
    for question in quiz["questions"]:
        found += [f"{question['id']}: {fault}" for fault in faults_of_question(question)]
    return found


# The files ----------------------------------------------------------------------------------------------------


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_first_lessons_are_there():
    assert {"00_welcome", "01_noise_intuition", "02_forward_process", "03_reverse_process"} <= set(QUIZZES)
    assert len(QUESTIONS) == sum(len(quiz["questions"]) for quiz in QUIZZES.values())


@pytest.mark.parametrize("stem", QUIZZES)
def test_quiz_has_no_fault(stem):
    assert faults(QUIZZES[stem]) == []
    assert stem.startswith(QUIZZES[stem]["lesson"] + "_")


@pytest.mark.parametrize("stem", QUIZZES)
def test_stem_is_a_notebook(stem):
    lesson = QUIZZES[stem]["lesson"]
    notebooks = {path.stem for path in LESSONS if path.stem.startswith(f"{lesson}_")}
    if not notebooks:
        pytest.skip(f"lesson {lesson} has no notebook in this checkout")
    assert notebooks == {stem}


@pytest.mark.parametrize("stem", [stem for stem in QUIZZES if not stem.startswith("00")])
def test_lesson_has_questions_of_every_kind(stem):
    questions = QUIZZES[stem]["questions"]
    assert len(questions) >= 8
    assert {question["kind"] for question in questions} == {"choice", "several", "text", "number", "order"}


@pytest.mark.parametrize("stem", [stem for stem in QUIZZES if not stem.startswith("00")])
def test_right_option_gives_nothing_away(stem):
    choices = [question["answers"] for question in QUIZZES[stem]["questions"] if question["kind"] == "choice"]
    assert len(choices) >= 3
    places = [answer["id"] for answers in choices for answer in answers if answer["correct"]]
    assert max(map(places.count, places)) <= len(places) / 2, f"the right options stand at {places}"
    for language in ("en", "ko"):
        longest = [
            all(len(answer["text"][language]) < len(right["text"][language]) for answer in answers if answer != right)
            for answers in choices
            for right in answers
            if right["correct"]
        ]
        assert sum(longest) <= len(choices) / 2, f"{sum(longest)} right options are the longest ({language})"


REQUIRED = {
    "01-9": (
        "adds Gaussian noise to an image again and again, then learns to remove it",
        "가우시안 노이즈",
        {"diffusion", "diffusion model", "확산", "확산 모델", "디퓨전"},
    ),
    "02-2": (
        "What is the process called that gradually adds noise to data?",
        "노이즈를 조금씩 더해 가는 과정",
        {"forward process", "forward diffusion process", "순방향", "정방향"},
    ),
    "03-3": (
        "What is the process called that removes the noise again",
        "거꾸로 한 스텝씩 걷어 내는 과정",
        {"reverse process", "denoising process", "backward process", "역방향", "역과정"},
    ),
}


@pytest.mark.parametrize("id", REQUIRED)
def test_required_question_accepts_every_answer(id):
    english, korean, forms = REQUIRED[id]
    question = QUESTIONS[id]
    assert question["kind"] == "text"
    assert english in question["prompt"]["en"]
    assert korean in question["prompt"]["ko"]
    [right] = [answer["forms"] for answer in question["answers"] if answer["correct"]]
    assert forms <= {*right["en"], *right["ko"]}


# Numbers ------------------------------------------------------------------------------------------------------

BETA = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)  # (T,), linear schedule of 1,000 steps
ALPHA_BAR = torch.cat([BETA.new_ones(1), torch.cumprod(1 - BETA, 0)])  # (T + 1,)
ALPHA_BAR_SHORT = torch.prod(1 - torch.linspace(1e-4, 0.02, 100, dtype=torch.float64))  # the same betas, T = 100
DIGITS_VARIANCE = (load_digits().data / 8 - 1).var()  # pooled over all pixels of all scans, in [-1, 1]
DIGITS_SQUARE = ((load_digits().data / 8 - 1) ** 2).mean()  # mean square, pooled as above
PHASE = torch.cos((torch.arange(1001, dtype=torch.float64) / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2  # (T + 1,)
COSINE = torch.cat([PHASE.new_ones(1), torch.cumprod(1 - (1 - PHASE[1:] / PHASE[:-1]).clamp(max=0.999), 0)])  # (T + 1,)
root = math.sqrt


def v_from_eps(alpha_bar, x_t, eps):
    x0 = (x_t - root(1 - alpha_bar) * eps) / root(alpha_bar)
    return root(alpha_bar) * eps - root(1 - alpha_bar) * x0


def posterior_std(alpha_bar_s, alpha_bar_t, beta):
    return root(beta * (1 - alpha_bar_s) / (1 - alpha_bar_t))


never_seen = 1797 * (1 - 1 / 1797) ** 1000
beta_sum = 1000 * (1e-4 + 0.02) / 2
snr_900 = (ALPHA_BAR[900] / (1 - ALPHA_BAR[900])).item()


def loss_of_x_t(alpha_bar, mean_square):
    """Return the eps loss of the guess eps_hat = x_t."""
    return alpha_bar * mean_square + (1 - root(1 - alpha_bar)) ** 2


# id -> the exact values of its answers, in the order of the file
EXACT = {
    "01-2": [0.5 / root(64), 0.5 / 64, 0.5**2 / 64, 0.5, 0.5 * root(64)],
    "01-3": [math.sqrt(0.5**2 - 0.3**2), 0.5 - 0.3, 0.5**2 - 0.3**2, math.hypot(0.5, 0.3)],
    "01-5": [1797 - never_seen, 1000, 1000 * 1000 / 1797, never_seen],
    "02-1": [beta_sum, 1000 * 0.02, root(beta_sum), DIGITS_VARIANCE + beta_sum],
    "02-6": [root(1 - 0.9 * 0.8), 1 - 0.9 * 0.8, root(0.1) + root(0.2), root(0.1 + 0.2), root(0.9 * 0.8)],
    "02-8": [
        v_from_eps(0.36, 1.2, 0.5),
        -v_from_eps(0.36, 1.2, 0.5),
        0.6 * 0.5 - 0.8 * 1.2,
        0.6 * 0.5,
        (1.2 - 0.8 * 0.5) / 0.6,
    ],
    "02-9": [0.01 / root(snr_900), 0.01, 0.01 / snr_900, 1 / root(snr_900), 0.01 * root(snr_900)],
    "03-7": [
        posterior_std(0.5, 0.4, beta=1 - 0.4 / 0.5),
        posterior_std(0.5, 0.4, beta=1 - 0.4 / 0.5) ** 2,
        root(1 - 0.4 / 0.5),
        0.5 - 0.4,
        posterior_std(0.5, 0.4, beta=0.5 - 0.4),
    ],
    "03-11": [0.2 / root(0.6) / root(0.8), 0.2 / root(0.6), 1, root(0.6), 0.2 / root(0.8)],
    "04-3": [loss_of_x_t(0.0786, 0.72), 0.0786 * 0.72, 0.0786, root(loss_of_x_t(0.0786, 0.72))],
    "04-6": [root(0.0014) * 157, 0.0014 * 157, root(0.0014), 0.0014 * 157**2],
    "04-8": [0.9999**1000, 1 - 0.9999**1000, 0.9999, 0],
    "05-5": [
        0.8 * (1 - 0.8 * 0.5) / 0.6 + 0.6 * 0.5,
        0.8 * (1 - 0.8 * 0.5) + 0.6 * 0.5,
        0.8 * 1 + 0.8 * 0.5,
        0.6 * 1 + 0.8 * 0.5,
        0.64 * 1 + 0.36 * 0.5,
    ],
    "05-7": [root(9.7e-4 / 2.4e-9), 9.7e-4 / 2.4e-9, 1, root(1 / 2.4e-9), root(2.4e-9 / 9.7e-4)],
    "05-11": [50 - 1, 50, 0, 1000, 1000 - 1],
}


def rounds_to(exact, written):
    """Tell whether a number, rounded to the decimals that are written, is what is written."""
    digits = -Decimal(str(written)).as_tuple().exponent
    return math.isclose(round(float(exact), max(digits, 0)), float(written), rel_tol=0, abs_tol=1e-12)


def test_every_number_has_its_formula():
    assert set(EXACT) == {id for id, question in QUESTIONS.items() if question["kind"] == "number"}


@pytest.mark.parametrize("id", EXACT)
def test_number_is_its_formula(id):
    answers = QUESTIONS[id]["answers"]
    assert answers[0]["correct"], "the right value stands first, as in EXACT"
    for answer, exact in zip(answers, EXACT[id], strict=True):
        assert rounds_to(exact, answer["value"]), f"{answer['value']} stands for {exact}"
        assert abs(exact - answer["value"]) <= answer["tolerance"] / 2, f"{exact} is too near the edge"


def test_order_of_snr_is_computed():
    snr = {"a": 0.1, "b": 10 ** (-20 / 10), "c": 1 / 1**2, "d": 4 * 1.0}
    right = QUESTIONS["01-10"]["answers"][0]
    assert right["correct"]
    assert right["order"] == sorted(snr, key=snr.get, reverse=True)


def bound_weights():
    """Weight of the squared eps error in the bound, for t = 1..T, where the variance of a step is beta."""
    return BETA / (2 * (1 - BETA) * (1 - ALPHA_BAR[1:]))


def sample_std(weights):
    """Sample with one slope a for all t, eps_hat = a x, fitted to data of variance one under the given weights."""
    best = (1 - ALPHA_BAR[1:]).sqrt()  # the slope that is right at each t
    a = (weights * best).sum() / weights.sum()
    variance = torch.tensor(1.0, dtype=torch.float64)
    for i in reversed(range(1000)):
        noise = BETA[i] * (1 - ALPHA_BAR[i]) / (1 - ALPHA_BAR[i + 1])
        variance = (1 - BETA[i] / best[i] * a) ** 2 / (1 - BETA[i]) * variance + noise
    return variance.sqrt()


removed = BETA / ((1 - ALPHA_BAR[1:]) * (1 - BETA)).sqrt()  # what a step multiplies eps_hat by

# Numbers that feedback and explanations quote and that have a closed form: (id, as written, exact)
QUOTED = [
    ("01-7", "6", 20 * math.log10(2)),
    ("02-1", "0.57", DIGITS_VARIANCE),
    ("02-1", "0.01005", BETA.mean()),
    ("02-5", "0.75", (ALPHA_BAR + (1 - ALPHA_BAR) ** 2).min()),
    ("02-7", "0.36", ALPHA_BAR_SHORT),
    ("02-7", "0.6", ALPHA_BAR_SHORT.sqrt()),
    ("02-7", "0.00004", ALPHA_BAR[1000]),
    ("02-8", "0.613", 0.8 * (0.8 * 4 / 3 - 0.3)),
    ("02-9", "0.017", ALPHA_BAR[900].sqrt()),
    ("02-9", "0.0166", root(snr_900)),
    ("03-1", "0.08", BETA[299].sqrt()),
    ("03-5", "0.57", sample_std(torch.ones_like(BETA))),
    ("03-5", "1.10", sample_std(bound_weights())),
    ("03-5", "91", bound_weights()[0] / bound_weights()[499]),
    ("03-6", "0.4", 0.3 * -1 + 0.7 * 1),
    ("03-11", "0.006", removed.min()),
    ("03-11", "0.02", removed.max()),
    ("04-2", "1.70", loss_of_x_t(ALPHA_BAR[1], DIGITS_SQUARE)),
    ("04-2", "0.058", loss_of_x_t(ALPHA_BAR[500], DIGITS_SQUARE)),
    ("04-3", "0.0016", (1 - root(1 - 0.0786)) ** 2),
    ("04-4", "0.022", root(2 / 4096)),
    ("04-8", "0.905", 0.9999**1000),
    ("05-1", "0.006", ALPHA_BAR[1000].sqrt()),
    ("05-7", "1.22", root(ALPHA_BAR[980] / ALPHA_BAR[1000])),
    ("05-7", "632", root(COSINE[980] / COSINE[1000])),
    ("05-10", "632", root(COSINE[980] / COSINE[1000])),
    ("05-10", "158", root(COSINE[995] / COSINE[1000])),
    ("05-10", "316", root(COSINE[980] / COSINE[1000]) / 2),
]


@pytest.mark.parametrize(("id", "written", "exact"), QUOTED, ids=lambda value: str(value)[:7])
def test_quoted_number_is_computed(id, written, exact):
    assert rounds_to(exact, written)
    for language in ("en", "ko"):
        prose = " ".join(text[language] for _, text in texts(QUESTIONS[id]))
        assert re.search(rf"(?<![\d.]){re.escape(written)}(?!\d|\.\d)", prose), f"{written} is not quoted ({language})"


def test_snr_in_the_prompt_is_that_of_the_schedule():
    assert rounds_to(snr_900 * 1e4, "2.75")
    assert all(r"2.75 \cdot 10^{-4}" in prompt for prompt in QUESTIONS["02-9"]["prompt"].values())


# Broken questions are refused ---------------------------------------------------------------------------------

SOUND = {"choice": "01-1", "several": "01-6", "text": "01-9", "number": "01-5", "order": "01-10"}


def said(words):
    return {"en": words, "ko": f"{words} 가"}


def change(*path, to):
    """Return a function that puts a value at a path inside a question."""

    def apply(question):
        for key in path[:-1]:
            question = question[key]
        question[path[-1]] = to

    return apply


def remove(*path):
    """Return a function that takes away what stands at a path inside a question."""

    def apply(question):
        for key in path[:-1]:
            question = question[key]
        del question[path[-1]]

    return apply


# (kind, what is broken, how, part of the complaint)
BROKEN = [
    ("choice", "no Korean", remove("prompt", "ko"), "'ko' is a required property"),
    ("choice", "Korean without Hangul", change("prompt", "ko", to="What is it?"), "does not match"),
    ("choice", "Hangul in the English", change("prompt", "en", to="무엇인가요?"), "does not match"),
    ("choice", "empty English", change("answers", 0, "feedback", "en", to=" "), "does not match"),
    ("choice", "unknown kind", change("kind", to="essay"), "is not one of"),
    ("choice", "unknown depth", change("depth", to="deep"), "is not one of"),
    ("choice", "unknown key", change("hint", to=said("x")), "Additional properties"),
    ("choice", "no explanation", remove("explanation"), "'explanation' is a required property"),
    ("choice", "no feedback", remove("answers", 1, "feedback"), "'feedback' is a required property"),
    ("choice", "two right answers", change("answers", 0, "correct", to=True), "Too many items"),
    ("choice", "no right answer", change("answers", 2, "correct", to=False), "does not contain"),
    ("choice", "correct as a word", change("answers", 0, "correct", to="false"), "is not of type 'boolean'"),
    ("choice", "a missed text", change("answers", 2, "missed", to=said("x")), "Additional properties"),
    ("choice", "an otherwise", change("otherwise", to=said("x")), "False schema"),
    ("choice", "a unit", change("unit", to={"forms": ["dB"], "feedback": said("x")}), "False schema"),
    ("choice", "items", change("items", to=[{"id": id, "text": said(id)} for id in "abc"]), "False schema"),
    ("choice", "half points", change("points", to=0.5), "is not of type 'integer'"),
    ("choice", "points against depth", change("points", to=1), "points do not follow"),
    ("choice", "letters out of order", change("answers", 0, "id", to="b"), "not lettered"),
    ("choice", "equal feedback", lambda q: q["answers"][0].update(feedback=q["answers"][1]["feedback"]), "are equal"),
    ("choice", "equal options", change("answers", 0, "text", "ko", to="약 1"), "two options are equal (ko)"),
    ("choice", "mathematics in an option", change("answers", 0, "text", "en", to="$10$"), "outside a prompt"),
    ("choice", "a lone dollar", change("prompt", "en", to="At which $t?"), "lone dollar"),
    ("choice", "HTML", change("prompt", "en", to="At <b>which</b> t?"), "markup"),
    ("choice", "foreign id", change("id", to="02-1"), "the ids do not run"),
    ("choice", "numbering begins at 2", change("id", to="01-2"), "the ids do not run"),
    ("several", "none wrong", lambda q: [a.update(correct=True, missed=said("x")) for a in q["answers"]], "does not"),
    ("several", "right one without missed", remove("answers", 1, "missed"), "'missed' is a required property"),
    ("several", "wrong one with missed", change("answers", 0, "missed", to=said("x")), "False schema"),
    ("number", "no tolerance", remove("answers", 0, "tolerance"), "'tolerance' is a required property"),
    ("number", "negative tolerance", change("answers", 0, "tolerance", to=-1), "less than the minimum"),
    ("number", "value as a word", change("answers", 0, "value", to="1e-4"), "is not of type 'number'"),
    ("number", "no hint for other numbers", remove("otherwise"), "'otherwise' is a required property"),
    ("number", "no known wrong value", lambda q: q.update(answers=q["answers"][:1]), "is too short"),
    ("number", "wrong value inside tolerance", change("answers", 1, "value", to=780), "767 and 780 overlap"),
    ("number", "two wrong values overlap", change("answers", 3, "value", to=1008), "1000 and 1008 overlap"),
    ("number", "unit without feedback", remove("unit", "feedback"), "'feedback' is a required property"),
    ("text", "no Korean forms", remove("answers", 0, "forms", "ko"), "'ko' is a required property"),
    ("text", "capitals in a form", change("answers", 1, "forms", "en", 0, to="GAN"), "does not match"),
    (
        "text",
        "form right and wrong",
        change("answers", 1, "forms", "ko", 0, to="확산모델"),
        "확산모델 stands twice",
    ),
    ("text", "no hint", remove("otherwise"), "'otherwise' is a required property"),
    ("order", "no items", remove("items"), "'items' is a required property"),
    ("order", "an item left out", change("answers", 0, "order", to=["d", "c", "a"]), "no permutation"),
    ("order", "an item twice", change("answers", 0, "order", to=["d", "c", "a", "a"]), "non-unique"),
    ("order", "shown in the right order", change("answers", 0, "order", to=["a", "b", "c", "d"]), "in the right order"),
    ("order", "two right orders", change("answers", 1, "correct", to=True), "Too many items"),
    ("order", "an order twice", change("answers", 1, "order", to=["d", "c", "a", "b"]), "an order stands twice"),
]


def alone(id):
    """Return a quiz that holds one of the real questions, renumbered to stand alone."""
    return {"lesson": "01", "questions": [copy.deepcopy(QUESTIONS[id]) | {"id": "01-1"}]}


@pytest.mark.parametrize("kind", SOUND)
def test_sound_question_passes(kind):
    assert QUESTIONS[SOUND[kind]]["kind"] == kind
    assert faults(alone(SOUND[kind])) == []


@pytest.mark.parametrize(("kind", "what", "how", "complaint"), BROKEN, ids=[f"{row[0]}-{row[1]}" for row in BROKEN])
def test_broken_question_is_refused(kind, what, how, complaint):
    quiz = alone(SOUND[kind])
    how(quiz["questions"][0])
    assert any(complaint in fault for fault in faults(quiz)), faults(quiz)


def test_key_that_stands_twice_is_refused():
    with pytest.raises(AssertionError, match="stands twice"):
        yaml.load("prompt: {en: one, en: two, ko: 셋}", OneKeyLoader)

"""The quizzes as data: no fault in them, each answer marked as its file says, each number computed by its formula."""

import copy
import dataclasses
import itertools
import json
import math
import re
from decimal import Decimal

import jsonschema
import pytest
import torch
import yaml
from project import LESSONS, ROOT
from sklearn.datasets import load_digits
from torch.utils.flop_counter import FlopCounterMode

from course.pipelines import tiny_sd as latent
from course.teaching import quiz
from course.teaching.language import in_all
from course.teaching.quiz.filling import standard
from course.teaching.quiz.marking import mark, right_answer
from course.teaching.quiz.typed import Unreadable
from course.teaching.quiz.validate import unsaid, validate

FILES = sorted((ROOT / "quizzes").glob("[0-9]*.yaml"))
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, many times faster
QUIZZES = {path.stem: yaml.load(path.read_text(encoding="utf-8"), LOADER) for path in FILES}
QUESTIONS = {question["id"]: question for lesson in QUIZZES.values() for question in lesson["questions"]}


def texts(node, path=()):
    """Yield (path, {en, ko}) for every text that a learner reads."""
    if isinstance(node, dict) and {"en", "ko"} == set(node) and isinstance(node["en"], str):
        yield path, node
    elif isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from texts(child, (*path, key))


# The files ----------------------------------------------------------------------------------------------------


def test_schema_is_a_schema():
    schema = json.loads((ROOT / "quizzes" / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)


def test_first_lessons_are_there():
    assert {"00_welcome", "01_noise_intuition", "02_forward_process", "03_reverse_process"} <= set(QUIZZES)
    assert len(QUESTIONS) == sum(len(lesson["questions"]) for lesson in QUIZZES.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_quiz_has_no_fault(path):
    assert validate(path) == []


def test_questions_are_loaded_as_they_stand():
    assert quiz.lessons() == [stem[:2] for stem in QUIZZES]
    for stem, lesson in QUIZZES.items():
        loaded = quiz.load(stem[:2])
        assert [*loaded] == [question["id"] for question in lesson["questions"]]
        for question in lesson["questions"]:
            defaults = {"otherwise": None, "items": (), "unit": None, "further": False, "vary": False, "own": False}
            assert dataclasses.asdict(loaded[question["id"]]) == defaults | standard(question)
            assert quiz.find(question["id"]) is loaded[question["id"]]


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("02-99", "there is no question '02-99'; the lesson has 02-1, 02-2,"),
        ("02", "there is no question '02'; the lesson has 02-1"),
        ("99-1", "lesson '99' has no questions; there are 00, 01,"),
        ("*-1", r"lesson '\*' has no questions"),
        ("", "lesson '' has no questions"),
        (2, "lesson '2' has no questions"),
    ],
)
def test_unknown_question_is_one_line_that_names_the_known(id, says):
    with pytest.raises(LookupError, match=says) as caught:
        quiz.find(id)
    assert "\n" not in str(caught.value)


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


HEDGES = {
    "en": r"\b(about|nearly|almost|mostly|most|hardly|often|usually|may|might|partly|slightly|a little|rather)\b",
    "ko": r"(약 |거의|대부분|대체로|조금|일부|어느 정도|보통|대개|가끔|자주|[가-힣\d%]쯤|정도)",
}
GUESSERS = {  # what someone who knows nothing takes: a score for each option, the highest is taken
    "the longest": lambda texts, language: [len(text) for text in texts],
    "the second longest": lambda texts, language: [
        -abs(1 - sum(len(other) > len(text) for other in texts)) for text in texts
    ],
    "the most hedged": lambda texts, language: [len(re.findall(HEDGES[language], text)) for text in texts],
}
GUESSERS |= {
    f"always {letter}": lambda texts, language, k=k: [place == k for place in range(len(texts))]
    for k, letter in enumerate("abcd")
}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("guesser", GUESSERS)
def test_a_simple_guesser_does_no_better_than_chance(guesser, language):
    """Over all questions with one right option: within 95 % of what guessing at random gives. Ties are shared."""
    hits, chances = 0, []
    for answers in (question["answers"] for question in QUESTIONS.values() if question["kind"] == "choice"):
        scores = GUESSERS[guesser]([answer["text"][language] for answer in answers], language)
        taken = [answer["correct"] for answer, score in zip(answers, scores, strict=True) if score == max(scores)]
        hits += sum(taken) / len(taken)
        chances.append(1 / len(answers))
    spread = math.sqrt(sum(p * (1 - p) for p in chances))
    assert hits <= sum(chances) + 1.96 * spread, f"{hits:.1f} of {len(chances)}, by chance {sum(chances):.1f}"


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


# Trial answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", ["words", "typed", "trials"])
def test_the_other_files_have_no_fault(stem):
    """Of the trial answers each is marked as a teacher marks it."""
    assert validate(ROOT / "quizzes" / f"{stem}.yaml") == []


def test_hardly_a_fair_answer_is_refused():
    trials = yaml.load((ROOT / "quizzes" / "trials.yaml").read_text(encoding="utf-8"), LOADER)
    count = {kind: sum(len(lists.get(kind, ())) for lists in trials.values()) for kind in ("fair", "hard", "unfair")}
    assert count["fair"] >= 200
    assert count["unfair"] >= 200
    assert count["hard"] <= 0.02 * (count["fair"] + count["hard"])
    assert {*trials} >= {id for id, question in QUESTIONS.items() if question["kind"] in ("text", "number")}


def test_a_trial_that_is_marked_otherwise_is_a_fault(tmp_path):
    path = tmp_path / "trials.yaml"
    lists = {"fair": ["reverse process"], "hard": ["forward"], "unfair": ["forward process"]}
    path.write_text(yaml.safe_dump({"02-2": lists, "02-99": {"fair": ["a"], "unfair": ["b"]}}, sort_keys=False))
    said = validate(path)
    assert [line.partition(": ")[2] for line in said[:3]] == [
        "02-2: 'reverse process' is refused",
        "02-2: 'forward' is accepted by now: it is fair",
        "02-2: 'forward process' is accepted",
    ]
    assert "there is no question '02-99'" in said[3]


# Every answer is marked as its file says ----------------------------------------------------------------------


def of_kind(kind):
    return [pytest.param(quiz.find(id), id=id) for id, question in QUESTIONS.items() if question["kind"] == kind]


def outcome(question, answer):
    """What is said about an answer, as (correct, points, [texts])."""
    marked = mark(question, answer)
    return marked.correct, marked.points, [*marked.feedback]


def expected(question, entry):
    """What should be said about an answer that an entry of the file fits; None: about one that fits no entry."""
    if entry is None:
        return False, 0, [question.otherwise]
    return entry["correct"], question.points if entry["correct"] else 0, [entry["feedback"]]


def lettered(option, key):
    return {language: f"{option['id']}) {text}" for language, text in option[key].items()}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("id", QUESTIONS)
def test_right_answer_gets_all_points(id, language):
    question = quiz.find(id)
    correct, points, _ = outcome(question, right_answer(question, language))
    assert (correct, points) == (True, QUESTIONS[id]["points"])


@pytest.mark.parametrize("question", of_kind("choice"))
def test_every_option_gets_its_own_feedback(question):
    for option in question.answers:
        assert outcome(question, option["id"]) == expected(question, option)


@pytest.mark.parametrize("question", of_kind("several"))
def test_every_set_of_options_hears_of_what_it_took_and_of_what_it_left_out(question):
    right = {option["id"] for option in question.answers if option["correct"]}
    count = 0
    for size in range(1, len(question.answers) + 1):
        for chosen in itertools.combinations(question.answers, size):
            taken = {option["id"] for option in chosen}
            letters = "".join(sorted(taken))
            said = [lettered(option, "feedback") for option in chosen]
            assert outcome(question, letters) == (taken == right, question.points * (taken == right), said)
            left_out = [option for option in question.answers if option["id"] in right - taken]
            assert [*mark(question, letters).missed] == [lettered(option, "missed") for option in left_out]
            count += 1
    assert count == 2 ** len(question.answers) - 1


@pytest.mark.parametrize("question", of_kind("number"))
def test_every_known_number_gets_its_own_feedback_up_to_its_tolerance(question):
    for entry in question.answers:
        value, tolerance = entry["value"], entry["tolerance"]
        for near in (value, value - 0.99 * tolerance, value + 0.99 * tolerance):
            assert outcome(question, str(near)) == expected(question, entry)
            assert outcome(question, near) == expected(question, entry)  # a number does as well as its text
        for off in (value - 1.01 * tolerance - 1e-6, value + 1.01 * tolerance + 1e-6):
            assert outcome(question, off) != expected(question, entry)
        for unit in (question.unit or {}).get("forms", ()):
            assert outcome(question, f"{value} {unit}") == expected(question, entry)
        with pytest.raises(Unreadable) as caught:
            mark(question, f"{value} furlong")
        assert caught.value.text == (question.unit["feedback"] if question.unit else in_all("unreadable.no-unit"))
    assert outcome(question, -98765.4321) == expected(question, None)


@pytest.mark.parametrize("question", of_kind("text"))
def test_every_form_gets_its_own_feedback_however_it_is_written(question):
    for entry in question.answers:
        for form in entry["forms"]["en"]:
            written = {form, form.upper(), form.replace(" ", "-"), form.replace(" ", ""), f"The {form}.", f"  {form} "}
            assert {str(outcome(question, words)) for words in written} == {str(expected(question, entry))}, form
        for form in entry["forms"]["ko"]:
            written = {
                form,
                form.replace(" ", ""),
                f"{form}입니다.",
                f"{form}이라고 합니다",
                f"{form}이에요",
                f"{form}을",
            }
            assert {str(outcome(question, words)) for words in written} == {str(expected(question, entry))}, form
    assert outcome(question, "a purple elephant") == expected(question, None)


@pytest.mark.parametrize("question", of_kind("order"))
def test_every_order_gets_its_own_feedback_or_the_hint(question):
    known = {tuple(entry["order"]): entry for entry in question.answers}
    orders = [*itertools.permutations(question.letters)]
    assert known.keys() < {*orders}
    for order in orders:
        assert outcome(question, "".join(order)) == expected(question, known.get(order))


# Numbers ------------------------------------------------------------------------------------------------------

BETA = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)  # (T,), linear schedule of 1,000 steps
ALPHA_BAR = torch.cat([BETA.new_ones(1), torch.cumprod(1 - BETA, 0)])  # (T + 1,)
ALPHA_BAR_SHORT = torch.prod(1 - torch.linspace(1e-4, 0.02, 200, dtype=torch.float64))  # the same betas, T = 200
DIGITS_VARIANCE = (load_digits().data / 8 - 1).var()  # pooled over all pixels of all scans, in [-1, 1]
DIGITS_SQUARE = ((load_digits().data / 8 - 1) ** 2).mean()  # mean square, pooled as above
PHASE = torch.cos((torch.arange(1001, dtype=torch.float64) / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2  # (T + 1,)
COSINE = torch.cat([PHASE.new_ones(1), torch.cumprod(1 - (1 - PHASE[1:] / PHASE[:-1]).clamp(max=0.999), 0)])  # (T + 1,)
STABLE_BETA = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2  # Stable Diffusion's
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
    "06-3": [3 * 512**2 / (4 * 64**2), 512**2 / 64**2, 512 / 64, 4 / 3 * 512**2 / 64**2, 3 * 512 / (4 * 64)],
    "06-7": [int(50 * 0.75), round(50 * 0.75), 50, 50 - int(50 * 0.75), 2 * int(50 * 0.75), 50 * 0.75],
    "06-9": [2 * (2 * 50 - 1), 2 * 50 - 1, 50, 2 * 50, 2 * 2 * 50],
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
    ("02-7", "0.13", ALPHA_BAR_SHORT),
    ("02-7", "0.36", ALPHA_BAR_SHORT.sqrt()),
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
    ("04-3", "0.0016", (1 - root(1 - 0.0786)) ** 2),
    ("04-4", "0.022", root(2 / 4096)),
    ("04-8", "0.905", 0.9999**1000),
    ("05-1", "0.006", ALPHA_BAR[1000].sqrt()),
    ("05-7", "1.22", root(ALPHA_BAR[980] / ALPHA_BAR[1000])),
    ("05-7", "632", root(COSINE[980] / COSINE[1000])),
    ("05-10", "632", root(COSINE[980] / COSINE[1000])),
    ("05-10", "158", root(COSINE[995] / COSINE[1000])),
    ("06-4", "-6.5", 1 - 7.5),
    ("06-6", "-6.5", 1 - 7.5),
    ("06-8", "6.8", 100 * root(torch.prod(1 - STABLE_BETA))),
]


@pytest.mark.parametrize(("id", "written", "exact"), QUOTED, ids=lambda value: str(value)[:7])
def test_quoted_number_is_computed(id, written, exact):
    assert rounds_to(exact, written)
    for language in ("en", "ko"):
        prose = " ".join(text[language] for _, text in texts(standard(QUESTIONS[id])))
        assert re.search(rf"(?<![\d.]){re.escape(written)}(?!\d|\.\d)", prose), f"{written} is not quoted ({language})"


def test_the_pieces_of_a_word_that_the_tokenizer_never_met_are_counted():
    pieces = latent.tokenizer().tokenize("astronaut")
    assert len(pieces) == 8
    for language in ("en", "ko"):
        assert ", ".join(pieces).replace("</w>", "") in " ".join(
            text[language] for _, text in texts(QUESTIONS["06-2"]["answers"])
        )


def test_the_price_of_pixels_is_counted():
    """One call of lesson 06's U-Net on latents, and of the very same one on as many places as a picture has."""
    unet = latent.build().unet
    on_latents, on_pixels = mflop(unet, 4, 8), mflop(unet, 4, 64)
    assert on_pixels / on_latents > 64
    for language in ("en", "ko"):
        said = " ".join(text[language] for _, text in texts(QUESTIONS["06-11"]))
        assert f"{on_latents:.0f} MFLOP" in said
        assert f"{on_pixels:,.0f} MFLOP" in said
        assert f"{on_pixels / on_latents:.0f} times" in said or f"{on_pixels / on_latents:.0f}배" in said


def mflop(unet, channels, side):
    """Millions of operations of one call of a U-Net, counted without computing."""
    unet, x = unet.to("meta"), torch.empty(1, channels, side, side, device="meta")
    words = torch.empty(1, latent.LENGTH, unet.config.cross_attention_dim, device="meta")
    with FlopCounterMode(display=False) as counted:
        unet(x, torch.tensor(5, device="meta"), encoder_hidden_states=words)
    return counted.get_total_flops() / 1e6


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
    ("choice", "two right answers", change("answers", 0, "correct", to=True), "exactly one answer must"),
    ("choice", "no right answer", change("answers", 2, "correct", to=False), "exactly one answer must"),
    ("choice", "correct as a word", change("answers", 0, "correct", to="false"), "is not of type 'boolean'"),
    ("choice", "a missed text", change("answers", 2, "missed", to=said("x")), "Additional properties"),
    ("choice", "an otherwise", change("otherwise", to=said("x")), "it has no place in"),
    ("choice", "a unit", change("unit", to={"forms": ["dB"], "feedback": said("x")}), "it has no place in"),
    ("choice", "items", change("items", to=[{"id": id, "text": said(id)} for id in "abc"]), "it has no place in"),
    ("choice", "half points", change("points", to=0.5), "is not of type 'integer'"),
    ("choice", "points against depth", change("points", to=1), "points do not follow"),
    ("choice", "letters out of order", change("answers", 0, "id", to="b"), "not lettered"),
    ("choice", "equal feedback", lambda q: q["answers"][0].update(feedback=q["answers"][1]["feedback"]), "are equal"),
    ("choice", "equal options", change("answers", 0, "text", "ko", to="약 1"), "two options are equal (ko)"),
    ("choice", "mathematics in an option", change("answers", 0, "text", "en", to="$10$"), "outside a prompt"),
    ("choice", "a lone dollar", change("prompt", "en", to="At which $t?"), "lone dollar"),
    ("choice", "LaTeX that is none", change("prompt", "en", to=r"At which $\alpah$?"), "LaTeX that cannot be set"),
    ("choice", "HTML", change("prompt", "en", to="At <b>which</b> t?"), "markup"),
    ("choice", "foreign id", change("id", to="02-1"), "the ids do not run"),
    ("choice", "numbering begins at 2", change("id", to="01-2"), "the ids do not run"),
    (
        "several",
        "none wrong",
        lambda q: [a.update(correct=True, missed=said("x")) for a in q["answers"]],
        "no option is wrong",
    ),
    ("several", "right one without missed", remove("answers", 1, "missed"), "'missed' is a required property"),
    ("several", "wrong one with missed", change("answers", 0, "missed", to=said("x")), "it has no place in"),
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
    ("order", "two right orders", change("answers", 1, "correct", to=True), "exactly one answer must"),
    ("order", "an order twice", change("answers", 1, "order", to=["d", "c", "a", "b"]), "an order stands twice"),
]


def alone(id):
    """Return a quiz that holds one of the real questions, renumbered to stand alone."""
    return {"lesson": "01", "questions": [copy.deepcopy(QUESTIONS[id]) | {"id": "01-1"}]}


def complaints(lesson, folder, name="01_alone.yaml"):
    """What is said about a quiz, written to a file of this name."""
    path = folder / name
    path.write_text(yaml.safe_dump(lesson, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return validate(path)


@pytest.mark.parametrize("kind", SOUND)
def test_sound_question_passes(tmp_path, kind):
    assert QUESTIONS[SOUND[kind]]["kind"] == kind
    assert complaints(alone(SOUND[kind]), tmp_path) == []


@pytest.mark.parametrize(("kind", "what", "how", "complaint"), BROKEN, ids=[f"{row[0]}-{row[1]}" for row in BROKEN])
def test_broken_question_is_refused(tmp_path, kind, what, how, complaint):
    lesson = alone(SOUND[kind])
    how(lesson["questions"][0])
    said = complaints(lesson, tmp_path)
    assert any(complaint in fault for fault in said), said
    assert all(re.match(r"01_alone\.yaml:[1-9]\d*: ", fault) for fault in said)


def test_file_holds_the_lesson_of_its_name(tmp_path):
    said = complaints(alone("01-1"), tmp_path, name="02_alone.yaml")
    assert said == ["02_alone.yaml:1: the file is named 02_alone, so it cannot hold lesson 01"]


@pytest.mark.parametrize("lesson", [None, [], "words", {}, {"lesson": "01", "questions": []}, {"lesson": 1}])
def test_file_without_questions_is_refused(tmp_path, lesson):
    assert complaints(lesson, tmp_path)


def test_long_text_does_not_push_the_reason_out_of_the_complaint(tmp_path):
    lesson = alone("01-1")
    lesson["questions"][0]["explanation"]["ko"] = "many words without Hangul " * 40
    [said] = complaints(lesson, tmp_path)
    assert "does not match" in said
    assert len(said) < 300


BY_HAND = """\
# a comment
lesson: "01"
questions:
  - id: "01-1"
    kind: number
    depth: compute
    points: 2
    prompt:
      en: 'How much is $1 + 1$?'
      ko: '$1 + 1$은 얼마인가요?'

    answers:
      - {value: 2, tolerance: 0, correct: true, feedback: {en: "Yes, 2.", ko: "네, 2입니다."}}
      - value: 11
        tolerance: 1
        correct: false
        feedback: {en: "You wrote them down.", ko: "이어 적었습니다."}
    otherwise: {en: "Count.", ko: "세어 보세요."}
    explanation:
      en: "One and one is two."
      ko: "하나에 하나를 더하면 둘입니다."
"""
# (number of the line that is broken, what stands there then, number of the line that is named, complaint)
AT_LINE = [
    (2, 'lesson: "1"', 2, "lesson: '1' does not match"),
    (1, 'title: {en: "A"}', 1, "title: 'ko' is a required property"),
    (1, 'title: {en: "가", ko: "가"}', 1, "title.en: '가' does not match"),
    (1, 'title: {en: "a $x$", ko: "가"}', 1, "title.en: 'a $x$' does not match"),
    (1, 'title: {en: "A", ko: " "}', 1, "title.ko: ' ' does not match"),
    (4, '  - id: "1-1"', 4, "questions.0.id: '1-1' does not match"),
    (5, "    kind: numbers", 5, "questions.0.kind: 'numbers' is not one of"),
    (7, "    points: 3", 7, "01-1: the points do not follow from the depth: compute has 2"),
    (9, "      en: 'How much is $1 + 1?'", 9, "01-1: markup or a lone dollar"),
    (10, "      ko: '$1 + 1은 얼마인가요?'", 10, "01-1: markup or a lone dollar"),
    (15, "        tolerance: 9", 14, "01-1: 2 and 11 overlap"),  # the second of the two answers begins at 14
    (15, "        tolerance: -1", 15, "questions.0.answers.1.tolerance: -1 is less than"),
    (17, '        feedback: {en: "No.", ko: "No."}', 17, "questions.0.answers.1.feedback.ko: 'No.' does not match"),
    (18, '    otherwise: {en: "Yes, 2.", ko: "세어 보세요."}', 13, "01-1: two feedbacks are equal (en)"),
    (18, '    otherwise: {en: "$2$", ko: "세어 보세요."}', 18, "01-1: mathematics outside a prompt"),
    (21, "      en: Once more.", 20, "the key en stands twice"),
    (21, '      "en": Once more.', 20, "the key en stands twice"),
    (14, "      - value: 11: 12", 14, "this is not YAML: mapping values are not allowed here"),
    (8, "\tprompt:", 8, "this is not YAML: found character"),
]


def test_file_by_hand_is_sound(tmp_path):
    (tmp_path / "01_hand.yaml").write_text(BY_HAND, encoding="utf-8")
    assert validate(tmp_path / "01_hand.yaml") == []


@pytest.mark.parametrize(("number", "line", "named", "complaint"), AT_LINE)
def test_complaint_names_the_line(tmp_path, number, line, named, complaint):
    lines = BY_HAND.splitlines()
    lines[number - 1] = line
    (tmp_path / "01_hand.yaml").write_text("\n".join(lines), encoding="utf-8")
    said = validate(tmp_path / "01_hand.yaml")
    assert any(fault.startswith(f"01_hand.yaml:{named}: {complaint}") for fault in said), said


def test_complaints_stand_in_the_order_of_their_lines(tmp_path):
    broken = BY_HAND.replace("points: 2", "points: 9").replace("tolerance: 1", "tolerance: -1").replace('"01"', '"x"')
    (tmp_path / "01_hand.yaml").write_text(broken, encoding="utf-8")
    said = validate(tmp_path / "01_hand.yaml")
    assert [fault.split(":")[1] for fault in said] == ["2", "7", "15"]


def test_file_that_cannot_be_read_is_one_line(tmp_path):
    assert validate(tmp_path / "01_none.yaml") == [f"{tmp_path / '01_none.yaml'}: No such file or directory"]
    (tmp_path / "01_latin.yaml").write_bytes('lesson: "01"\n# é'.encode("latin-1"))
    [said] = validate(tmp_path / "01_latin.yaml")
    assert said.startswith("01_latin.yaml:2: this is not UTF-8: ")


@pytest.mark.parametrize("text", ["lesson: 2024-13-45", "a: &a [*a]", "[" * 3000])
def test_what_yaml_trips_over_is_one_line(tmp_path, text):
    (tmp_path / "01_odd.yaml").write_text(text, encoding="utf-8")
    [said] = validate(tmp_path / "01_odd.yaml")
    assert said.startswith("01_odd.yaml:1: ")
    assert "\n" not in said


# The words of exercises ------------------------------------------------------------------------------------------

ADVICE = {
    "says": {"en": "You add one.", "ko": "1을 더했습니다."},
    "hint": {"en": "Why one?"},
    "more": {"en": "Add nothing."},
}
OTHER = {"says": {"en": "You take one away."}, "hint": {"en": "Why away?"}, "more": {"en": "Take nothing away."}}


CASES = {"one": {"en": "a picture"}, "two": {"en": "pictures", "ko": "그림 여럿"}}


def with_exercise(id="01-same", **entry):
    """A quiz with one sound exercise, or one whose id or entry is changed."""
    sound = {"picture": {"en": "Two."}, "cases": CASES, "mistakes": {"plus-one": ADVICE, "less-one": OTHER}}
    return alone("01-1") | {"exercises": {id: sound | entry}}


def said_so(**words):
    """An entry whose first mistake has other words."""
    return {"mistakes": {"plus-one": ADVICE | words, "less-one": OTHER}}


def test_sound_words_pass_with_or_without_korean(tmp_path):
    assert complaints(with_exercise(), tmp_path) == []
    assert complaints(with_exercise(further=True), tmp_path) == []
    assert unsaid(tmp_path / "01_alone.yaml") == (9, 7)


BROKEN_WORDS = {
    "another lesson's": ({"id": "02-same"}, "02-same is no exercise of lesson 01"),
    "no id": ({"id": "same"}, "does not match"),
    "no hint": ({"mistakes": {"a": {"says": {"en": "A."}}, "b": OTHER}}, "'hint' is a required"),
    "no English": (said_so(hint={"ko": "왜 1인가요?"}), "'en' is a required"),
    "one more key": (said_so(why={"en": "So."}), "Additional properties"),
    "a slug with capitals": ({"mistakes": {"Plus One": ADVICE, "b": OTHER}}, "does not match"),
    "the same twice": (said_so(more=ADVICE["hint"]), "plus-one says the same twice (en)"),
    "called alike": (said_so(says=OTHER["says"]), "less-one is called as plus-one is (en)"),
    "mathematics": (said_so(hint={"en": "Why $1$?"}), "markup or mathematics"),
    "English for Korean": (said_so(hint={"en": "Why?", "ko": "Why?"}), "does not match"),
    "further as a word": ({"further": "yes"}, "is not of type 'boolean'"),
    "one case alone": ({"cases": {"one": {"en": "a picture"}}}, "does not have enough properties"),
    "cases called alike": ({"cases": CASES | {"three": {"en": "pictures"}}}, "three is called as two is (en)"),
    "mathematics in a case": ({"cases": CASES | {"three": {"en": "T = $9$"}}}, "markup or mathematics"),
    "a picture without English": ({"picture": {"ko": "둘."}}, "'en' is a required"),
    "one mistake alone": ({"mistakes": {"plus-one": ADVICE}}, "does not have enough properties"),
}


@pytest.mark.parametrize(("changes", "complaint"), BROKEN_WORDS.values(), ids=BROKEN_WORDS)
def test_broken_words_are_refused(tmp_path, changes, complaint):
    found = complaints(with_exercise(**changes), tmp_path)
    assert any(complaint in line for line in found), found
    assert all(line.startswith("01_alone.yaml:") for line in found)


def test_broken_words_are_named_with_their_line(tmp_path):
    [said] = complaints(with_exercise(**said_so(hint={"en": "Why `1`?"})), tmp_path)
    lines = (tmp_path / "01_alone.yaml").read_text(encoding="utf-8").splitlines()
    number = next(k for k, line in enumerate(lines, 1) if "Why `1`?" in line)
    assert said == f"01_alone.yaml:{number}: 01-same: markup or mathematics: Why `1`?"


@pytest.mark.parametrize("stem", QUIZZES)
def test_words_of_exercises_keep_their_language(stem):
    for entry in QUIZZES[stem].get("exercises", {}).values():
        advice = [text for words in entry["mistakes"].values() for text in words.values()]
        for text in [*advice, *entry["cases"].values(), *([entry["picture"]] if "picture" in entry else [])]:
            assert not re.search("[가-힣]", text["en"])
            assert "ko" not in text or re.search("[가-힣]", text["ko"])

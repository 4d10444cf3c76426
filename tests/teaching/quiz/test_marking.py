"""Marking as a pure function: what people type, read as they meant it, or refused without harm."""

import itertools
import unicodedata

import pytest

from course.teaching.quiz import typed as reading
from course.teaching.quiz.marking import letters_of, mark
from course.teaching.quiz.numbers import number
from course.teaching.quiz.questions import Question
from course.teaching.quiz.typed import Unreadable


def said(words):
    return {"en": words, "ko": f"{words} 가"}


def option(letter, correct, **more):
    return {"id": letter, "correct": correct, "text": said(f"text {letter}"), "feedback": said(f"said {letter}")} | more


def entry(correct, name, **more):
    return {"correct": correct, "feedback": said(name)} | more


def question(kind, answers, **more):
    """A question of two points, made of as little as it takes."""
    return Question("99-1", kind, "reason", 2, said("prompt"), answers, said("because"), **more)


CHOICE = question("choice", [option("a", False), option("b", True), option("c", False)])
SEVERAL = question(
    "several",
    [option(x, True, missed=said(f"missed {x}")) if x in "ad" else option(x, False) for x in "abcd"],
)
ORDER = question(
    "order",
    [entry(True, "right", order=["c", "a", "b"]), entry(False, "backwards", order=["b", "a", "c"])],
    items=[{"id": x, "text": said(f"text {x}")} for x in "abc"],
    otherwise=said("hint"),
)
NUMBER = question(
    "number",
    [
        entry(True, "right", value=0.6, tolerance=0.01),
        entry(False, "squared", value=0.36, tolerance=0.01),
        entry(False, "percent", value=60, tolerance=0),
    ],
    otherwise=said("hint"),
)
DECIBEL = question(
    "number",
    [entry(True, "right", value=10, tolerance=0.5), entry(False, "ratio", value=20, tolerance=0.5)],
    otherwise=said("hint"),
    unit={"forms": ["dB", "deci bel"], "feedback": said("unit")},
)
PERCENT = question(
    "number",
    [entry(True, "right", value=60, tolerance=0.5), entry(False, "ratio", value=0.6, tolerance=0.05)],
    otherwise=said("hint"),
    unit={"forms": ["%"], "feedback": said("unit")},
)
TEXT = question(
    "text",
    [
        entry(True, "right", forms={"en": ["u net", "denoising network"], "ko": ["확산 모델", "평가"]}),
        entry(False, "known", forms={"en": ["the wall"], "ko": ["갠", "평"]}),
    ],
    otherwise=said("hint"),
)
ALL = {"choice": CHOICE, "several": SEVERAL, "order": ORDER, "number": NUMBER, "text": TEXT}


def feedback(question, answer):
    """What is said, in English; the points must go with it."""
    marked = mark(question, answer)
    assert type(marked.correct) is bool
    assert marked.points == (2 if marked.correct else 0)
    assert all(text["ko"] == f"{text['en']} 가" for text in marked.feedback if "Only a number" not in text["en"])
    return [text["en"] for text in marked.feedback]


# Numbers


NO_NUMBER = [
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1.2.3",
    "1,00,0",
    "1.000,5",
    "1/0",
    "1/2/3",
    "about",
    "0.5 or 0.6",
    "10-4",
    "%",
    "-",
]
NO_NUMBER += [".", ",", "4 x 10^400", None, True, [0.6, 0.6]]


@pytest.mark.parametrize("typed", NO_NUMBER)
def test_what_is_no_number_is_unreadable(typed):
    with pytest.raises(Unreadable, match="one number") as caught:
        mark(NUMBER, typed)
    assert caught.value.text["ko"] == "0.25처럼 수를 하나만 적으세요."


UNSEEN = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]
UNSEEN += [*"\u034f\u115f\u1160\u3164\uffa0\ufe00\ufe0e\ufe0f\U000e0100\U000e01ef\x00\x7f\x9f\u2800"]


def test_what_nobody_sees_changes_no_answer():
    """Joiners, soft hyphens, marks of direction, fillers, selectors: copied along, or typed by a phone."""
    assert {*"\u200b\u200c\u200d\u200e\u2060\u00ad\ufeff\u061c\u202a\u2066"} <= {*UNSEEN}
    seen = [(NUMBER, "0.6"), (DECIBEL, "10dB"), (PERCENT, "60%"), (TEXT, "the wall"), (CHOICE, "b"), (ORDER, "cab")]
    for hidden in UNSEEN:
        for asked, typed in [*seen, (SEVERAL, "a and d")]:
            for spoilt in (hidden + typed, typed + hidden, typed[0] + hidden + typed[1:]):
                assert mark(asked, spoilt) == mark(asked, typed), (hidden.encode("unicode-escape"), typed)
        assert number(f"1{hidden}0{hidden}²") == (100, "")
        with pytest.raises(Unreadable):
            mark(NUMBER, hidden)


@pytest.mark.parametrize(
    ("typed", "heard"),
    [
        ("0.6", "right"),
        ("0,6", "right"),
        ("60 %", "right"),  # no unit is asked for, so a percent is a hundredth
        ("60%", "right"),
        ("36 %", "squared"),
        ("60", "percent"),
        ("0.61", "right"),  # the tolerance belongs to it, whatever floats make of 0.61 - 0.6
        ("0.59", "right"),
        ("0.6101", "hint"),
        ("-0.6", "hint"),
        ("0.35", "squared"),
        ("1e300", "hint"),
    ],
)
def test_a_number_is_compared_within_its_tolerance(typed, heard):
    assert feedback(NUMBER, typed) == [heard]


@pytest.mark.parametrize(
    ("question", "typed", "heard"),
    [
        (DECIBEL, "10", "right"),
        (DECIBEL, "10 dB", "right"),
        (DECIBEL, "10DB", "right"),
        (DECIBEL, "10 decibel", "right"),
        (DECIBEL, "20 dB", "ratio"),
        (DECIBEL, "1000 %", "right"),
        (DECIBEL, "10 %", "hint"),
        (PERCENT, "60 %", "right"),
        (PERCENT, "60", "right"),
        (PERCENT, "0.6", "ratio"),
    ],
)
def test_a_number_may_have_the_unit_that_is_asked_for(question, typed, heard):
    assert feedback(question, typed) == [heard]


@pytest.mark.parametrize(
    ("question", "typed", "says"),
    [
        (DECIBEL, "10 m", "unit"),
        (DECIBEL, "20 m", "unit"),
        (PERCENT, "60 dB", "unit"),
        (NUMBER, "0.6 dB", "Only a number"),
    ],
)
def test_another_unit_is_no_wrong_answer(question, typed, says):
    with pytest.raises(Unreadable, match=says):
        mark(question, typed)


def test_the_first_answer_that_fits_decides():
    both = question(
        "number", [entry(False, "first", value=1, tolerance=1), entry(True, "second", value=2, tolerance=1)]
    )
    assert feedback(both, "1.5") == ["first"]
    assert feedback(both, "2.5") == ["second"]


# Letters


A_AND_D = ["ad", "a, d", "a and d", "A & D", "a와 d", "AD", "d a", "a) d)", "{a,d}", "ａｄ", "add a"]
A_AND_D += [["a", "d"], ("D", "A"), {"a", "d"}]


@pytest.mark.parametrize("typed", A_AND_D)
def test_letters_are_read_however_they_are_typed(typed):
    assert feedback(SEVERAL, typed) == ["a) said a", "d) said d"]
    assert {*letters_of(SEVERAL, typed)} == {"a", "d"}


@pytest.mark.parametrize("typed", ["", " ", "-", "z", "a z", "ㅋ", "1", 1, 0.5, None, True, [], ["a", 1], [None]])
@pytest.mark.parametrize("kind", ["choice", "several", "order"])
def test_letters_that_no_option_has_are_unreadable(kind, typed):
    with pytest.raises(Unreadable, match="Choose from a, b, c") as caught:
        mark(ALL[kind], typed)
    assert caught.value.text["ko"].endswith("가운데에서 고르세요.")


@pytest.mark.parametrize("typed", ["a or d", "a 또는 d", "either a or d", "a, maybe d", "a and d are wrong", "a ㅠㅠ"])
def test_letters_that_are_left_open_are_no_set(typed):
    with pytest.raises(Unreadable, match="Choose from"):
        mark(SEVERAL, typed)


def test_a_set_of_options_hears_of_what_it_took_and_of_what_it_left_out():
    for size in range(1, 5):
        for chosen in itertools.combinations("abcd", size):
            assert feedback(SEVERAL, chosen) == [f"{x}) said {x}" for x in chosen]
            left_out = [text["en"] for text in mark(SEVERAL, chosen).missed]
            assert left_out == [f"{x}) missed {x}" for x in "ad" if x not in chosen]
            assert mark(SEVERAL, chosen).correct == (chosen == ("a", "d"))


def test_one_option_is_one_letter():
    assert [feedback(CHOICE, x) for x in ("a", "B", " c)")] == [["said a"], ["said b"], ["said c"]]
    assert [mark(CHOICE, x).correct for x in "abc"] == [False, True, False]
    for typed in ("ab", "a b", ["a", "b"], "abc"):
        with pytest.raises(Unreadable, match="Choose one letter"):
            mark(CHOICE, typed)


def test_an_order_has_every_letter_once():
    assert feedback(ORDER, "c > a > b") == ["right"]
    assert feedback(ORDER, ["c", "a", "b"]) == ["right"]
    assert feedback(ORDER, "BAC") == ["backwards"]
    assert feedback(ORDER, "abc") == ["hint"]
    for typed in ("c", "ca", "cabb", "caab", "aab", "cabcab"):
        with pytest.raises(Unreadable, match="Type each of a, b, c once"):
            mark(ORDER, typed)


# Words


U_NET = ["u net", "U-Net", "u-net.", "UNet", "  u   net ", "a U-Net", "The U-Net!", "“U-Net”", "u_net", "Ｕ-Ｎｅｔ"]
U_NET += ["u\u2010net", "u\u200bnet", "Denoising Network", "an denoising\nnetwork", "the u-net입니다"]
U_NET += ["확산 모델", "확산모델", "확산-모델", "확산 모델."]


@pytest.mark.parametrize("typed", U_NET)
def test_case_spaces_punctuation_and_articles_do_not_matter(typed):
    assert feedback(TEXT, typed) == ["right"]


ENDINGS = ["은", "는", "이", "가", "을", "를", "요", "이요", "이다", "예요", "이에요", "입니다"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("word", ["확산 모델", "평가", "U-Net"])
def test_one_particle_does_not_matter(word, ending):
    assert feedback(TEXT, word + ending) == ["right"]
    assert feedback(TEXT, f"{word} {ending}.") == ["right"]
    assert ending in reading.typed()["after"]


@pytest.mark.parametrize("ending", ["라고 합니다", "이라고 합니다.", "이라고합니다", "입니다!"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_hangul_may_come_in_parts(ending, form):
    typed = unicodedata.normalize(form, f"확산 모델{ending}")
    assert unicodedata.is_normalized(form, typed)  # a Mac gives the letters apart
    assert feedback(TEXT, typed) == ["right"]


def test_a_particle_may_belong_to_the_word():
    assert feedback(TEXT, "평가") == ["right"]
    assert feedback(TEXT, "평") == ["known"]
    assert feedback(TEXT, "평은") == ["known"]
    assert feedback(TEXT, "평가가") == ["right"]
    assert feedback(TEXT, "평가가가") == ["hint"]  # one ending, not two
    assert feedback(TEXT, "확산 모델은는") == ["hint"]


def test_a_form_that_begins_with_an_article_is_read_as_typed_first():
    assert feedback(TEXT, "The Wall") == ["known"]
    assert feedback(TEXT, "wall") == ["hint"]


OTHER = ["a net", "u nets", "net", "theunet is", "은", "입니다", "the", "확산", "모델 확산", "12", 0]


@pytest.mark.parametrize("typed", OTHER)
def test_other_words_get_the_hint(typed):
    assert feedback(TEXT, typed) == ["hint"]


@pytest.mark.parametrize("typed", ["", "  ", "...", "-", "?!", "\n", []])
def test_no_words_are_unreadable(typed):
    with pytest.raises(Unreadable, match="in words"):
        mark(TEXT, typed)


# Whatever is typed


STRANGE = [
    "",
    " ",
    "?",
    "0",
    "-1",
    "1e999",
    "٣",
    "½",
    "日本",
    "é",
    "a" * 5000,
    "9" * 5000,
    "\x00",
    "\ud800",
    "🙂",
    "<z>",
]
STRANGE += [0, -1, 1.5, float("nan"), float("inf"), 10**400, None, True, b"z", [], [[]], {}, {"a": 1}, object(), ALL]


@pytest.mark.parametrize("kind", ALL)
def test_nothing_that_is_typed_ends_in_an_error(kind):
    refusals = []
    for typed in STRANGE:
        try:
            assert mark(ALL[kind], typed).points == 0
        except Unreadable as error:
            refusals.append(error)
    assert refusals
    assert all([str(error), error.text.keys()] == [error.text["en"], {"en", "ko"}] for error in refusals)

"""Numbers as people type them: in digits of every kind, in words, in a sentence, as an equation."""

import unicodedata

import pytest

from course.teaching.quiz.numbers import endless, number
from course.teaching.quiz.typed import Unreadable


@pytest.mark.parametrize(
    ("typed", "value", "rest"),
    [
        ("1,000", 1000, ""),
        ("1,234,567.5", 1234567.5, ""),
        ("-1,000", -1000, ""),
        ("0,36", 0.36, ""),  # a decimal comma
        ("0,360", 0.36, ""),  # no thousand begins with 0
        ("1,5", 1.5, ""),
        ("2.75e-4", 2.75e-4, ""),
        ("2.75E-4", 2.75e-4, ""),
        ("2,75e-4", 2.75e-4, ""),
        ("3 x 10^-4", 3e-4, ""),
        ("3X10^-4", 3e-4, ""),
        ("3*10^4", 3e4, ""),
        ("3 · 10^-4", 3e-4, ""),
        ("3 × 10⁻⁴", 3e-4, ""),
        ("−0.5", -0.5, ""),
        ("－０．５", -0.5, ""),
        ("０.３６", 0.36, ""),
        ("+.5", 0.5, ""),
        ("5.", 5, ""),
        (" 0.25 ", 0.25, ""),
        ("60 %", 60, "%"),
        ("60％", 60, "%"),
        ("10 dB", 10, "db"),
        ("10 dB.", 10, "db"),
        ("7 개", 7, "개"),
        ("about 60 %", 60, "%"),
        ("~10 dB", 10, "db"),
        ("약 0.5", 0.5, ""),
        ("201/20", 10.05, ""),
        ("-1 / 4", -0.25, ""),
        (0.0625, 0.0625, ""),
        (767, 767, ""),
        (2.4e-9, 2.4e-9, ""),
    ],
)
def test_numbers_are_read_as_they_were_meant(typed, value, rest):
    assert number(typed) == (pytest.approx(value, rel=1e-12, abs=0), rest)


@pytest.mark.parametrize(
    ("typed", "value", "rest"),
    [
        ("forty-nine", 49, ""),
        ("seven hundred sixty-seven faces", 767, "faces"),
        ("사십구 번", 49, "번"),
        ("마흔아홉 번", 49, "번"),
        ("백구십팔 개", 198, "개"),
        ("칠백육십칠", 767, ""),
        ("16분의 1", 1 / 16, ""),
        ("48 to 1", 48, ""),
        ("48:1", 48, ""),
        ("minus 0.5", -0.5, ""),
        ("마이너스 0.5", -0.5, ""),
        ("the answer is about 0.5", 0.5, ""),
        ("정답은 약 0.5", 0.5, ""),
        ("x_0 = 0.5", 0.5, ""),
        ("표준편차는 0.5", 0.5, ""),
        ("0.25 / 0.5 = 0.5", 0.5, ""),
        ("0.25의 제곱근이므로 0.5", 0.5, ""),
        ("not 0.25 but 0.5", 0.5, ""),
        ("0.25가 아니라 0.5", 0.5, ""),
        ("37 of 50", 37, ""),
        ("1,797개 중 767개", 767, "개"),
        ("49, because the last adds none", 49, ""),
    ],
)
def test_words_around_a_number_are_no_part_of_it(typed, value, rest):
    found, said = number(typed)
    assert found == pytest.approx(value, rel=1e-12)
    assert rest in {*endless(said)}


@pytest.mark.parametrize(
    "typed",
    [
        "> 0.5",
        "0.5 ≤",
        "±0.5",
        "0.5 or 0.6",
        "0.5 또는 0.6",
        "not 0.5",
        "at least 0.5",
        "최소 0.5",
        "0.5와 0.6",
        "0.5 0.6",
        "1" + "a" * 90_000,
    ],
)
def test_a_bound_or_two_numbers_are_none(typed):
    with pytest.raises(Unreadable, match="one number"):
        number(typed)


@pytest.mark.parametrize("rest", ["이 아님", "이상", "미만", "보다 작음", "or more"])
def test_what_takes_a_number_back_is_no_unit(rest):
    assert [*endless(rest)] == []


@pytest.mark.parametrize("rest", ["입니다", "정도인 것 같아요", "in total", "쯤 됩니다", "만큼 늘어납니다"])
def test_what_says_nothing_goes(rest):
    assert "" in {*endless(rest)}


# What looks like a number must be read as it looks, or not at all: each sign once above, once below, once as a share.
RAISED = {"²": 2, "³": 3, "⁴": 4, "¹": 1, "⁰": 0, "⁻¹": -1, "⁻⁴": -4, "⁻²": -2, "⁺²": 2, "¹²": 12}
SHARES = {"½": 1 / 2, "¼": 1 / 4, "¾": 3 / 4, "⅓": 1 / 3, "⅞": 7 / 8, "⅐": 1 / 7, "⅒": 1 / 10, "¹⁄₂": 1 / 2}
SHARES |= {"³/₄": 3 / 4, "⅟8": 1 / 8, "1⁄2": 1 / 2, "1/2": 1 / 2, "１／２": 1 / 2}


@pytest.mark.parametrize("sign", RAISED)
@pytest.mark.parametrize("base", ["10", "2", "1.5", "-3", "−2", "１０", "0.5"])
def test_a_raised_digit_is_a_power_however_it_is_written(base, sign):
    sign_of, size = (-1 if base[0] in "-−" else 1), abs(float(base.replace("−", "-").replace("１０", "10")))
    value = (pytest.approx(sign_of * size ** RAISED[sign], rel=1e-12), "")
    plain = unicodedata.normalize("NFKC", sign).replace("−", "-")
    for typed in (base + sign, f"{base} {sign}", f"{base}^{plain}", f"{base}**{plain}", f"{base}^({plain})"):
        assert number(typed) == value, typed


@pytest.mark.parametrize("times", ["x", "×", "*", "·", " x ", " × "])
@pytest.mark.parametrize("sign", RAISED)
def test_a_power_of_ten_may_follow_a_number(times, sign):
    plain = unicodedata.normalize("NFKC", sign).replace("−", "-")
    for typed in (f"3{times}10{sign}", f"3{times}10^{plain}", f"3{times}10**{plain}", f"3{times}10^{{{plain}}}"):
        assert number(typed) == (pytest.approx(3 * 10 ** RAISED[sign], rel=1e-12), ""), typed


@pytest.mark.parametrize("share", SHARES)
def test_a_share_is_read_alone_after_a_whole_number_and_before_a_unit(share):
    for before, whole, sign in (("", 0, 1), ("1 ", 1, 1), ("-2 ", 2, -1), ("−", 0, -1), ("약 ", 0, 1), ("1\xa0", 1, 1)):
        assert number(before + share) == (pytest.approx(sign * (whole + SHARES[share])), "")
        assert number(f"{before}{share} %") == (pytest.approx(sign * (whole + SHARES[share])), "%")
    if not share[0].isdecimal():  # 11/2 is another number than 1½
        assert number("1" + share) == (pytest.approx(1 + SHARES[share]), "")


@pytest.mark.parametrize("typed", ["10₂", "1①", "⑩", "½½", "1.5½", "2^0.5", "2^3^2", "²", "3x104", "1/10²", "0^-1"])
def test_what_only_looks_like_digits_is_never_read_as_digits(typed):
    with pytest.raises(Unreadable, match="one number"):
        number(typed)


def test_no_character_but_a_decimal_digit_joins_a_number():
    """Over all of Unicode: after a 1, a character is a digit, a part of a number that was meant, or no number."""
    for code in range(0x110000):
        c = chr(code)
        if not unicodedata.normalize("NFKC", c).isdecimal() or c.isdecimal():
            continue
        try:
            value, _ = number(f"1{c}")
        except Unreadable:
            continue
        assert value == 1, c  # 1 to any power

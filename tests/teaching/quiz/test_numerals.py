"""Numbers in words, with digits."""

import pytest

from course.teaching.quiz.numerals import spelled


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("forty-nine", "49"),
        ("seven hundred and sixty-seven faces", "767 faces"),
        ("one hundred ninety-eight", "198"),
        ("one thousand seven hundred ninety-seven", "1797"),
        ("one point one", "1.1"),
        ("ten point oh five", "10.05"),
        ("point four", "0.4"),
        ("nine tenths", "9/10"),
        ("one sixteenth", "1/16"),
        ("a quarter", "1/4"),
        ("십 점 영오", "10.05"),
        ("일점일", "1.1"),
        ("십육분의 일", "1/16"),
        ("천칠백구십칠", "1797"),
        ("마흔아홉 번", "49 번"),
        ("이천", "2000"),
    ],
)
def test_a_number_in_words_gets_its_digits(said, digits):
    assert " ".join(spelled(said).split()) == digits


@pytest.mark.parametrize("said", ["six three six", "ten point ten", "fifty five five", "hello", "the one", "", "12"])
def test_words_that_make_no_number_stay(said):
    assert spelled(said) == said

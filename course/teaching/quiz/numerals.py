"""Numbers in words, "forty-nine", "one point one", "nine tenths", "십 점 영오", with digits."""

import re
from functools import cache

from course.teaching.quiz.typed import one_of, typed


@cache
def _values(section):
    """What each word of a section stands for, {word: number}."""
    return {word.casefold(): value for value, words in typed()[section].items() for word in words}


@cache
def _patterns():
    """Patterns for a number in words, with its digits after a point, and for the word of a share."""
    latin, hangul = (filter(ascii_, _values("numerals")) for ascii_ in (str.isascii, lambda word: not word.isascii()))
    word = rf"(?:{one_of(latin)}(?![a-z])|{one_of(hangul)})"
    point = one_of(typed()["point"])
    part = rf"{point}\s*{word}(?:[\s-]*{word})*"
    number = rf"{word}(?:(?:[\s-]*|\s+and\s+){word})*(?:\s*{part})?|{part}"
    return re.compile(number), re.compile(word), re.compile(point), one_of(_values("shares"), after="(?![a-z])")


def spelled(text):
    """A text that begins with a number in words with its digits, "49 draws"; any other as it is."""
    number, _, _, share = _patterns()
    text = re.sub(rf"^an?\s+(?={share})", "one ", text)
    found = number.match(text)
    digits = found and _digits(found[0])
    if not digits:
        return text
    rest = text[found.end() :]
    if below := re.match(rf"[\s-]*({share})", rest):
        return f"{digits}/{_values('shares')[below[1]]}{rest[below.end() :]}"
    if below := re.match(r"\s*분의\s*", rest):
        above = spelled(rest[below.end() :])
        return re.sub(r"^(\d+)", rf"\1/{digits}", above)
    return f"{digits} {rest}"


def _digits(said):
    """The digits of "ten point oh five", or None where the words make no number, such as "six three"."""
    _, word, point, _ = _patterns()
    whole, *part = ([_values("numerals")[w] for w in word.findall(side)] for side in point.split(said))
    value = _cardinal(whole, sino=not said.isascii())
    if value is None or (part and max(part[0]) > 9):
        return None
    return f"{value}.{''.join(map(str, part[0]))}" if part else str(value)


def _cardinal(values, sino):
    """The number that words name, from what each stands for; None where they do not make one. In Korean ten is a unit
    as hundred is, and may be followed."""
    total, held, room = 0, 0, None  # room: what may still be added must be smaller
    for value in values:
        if value in (100, 1000) or (sino and value == 10 and 0 < held < 10):
            if total % (value * 10) or held >= 10 * (1 if sino else 10):
                return None
            total, held, room = total + max(held, 1) * value, 0, value
        elif room is None or value < room:
            total, held = total + held, value
            room = 10 if value >= 20 or (value == 10 and sino) else 0
        else:
            return None
    return total + held

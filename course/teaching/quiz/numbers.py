"""Reads a number that was typed: in digits or in words, with what stands around it."""

import math
import re
import unicodedata
from functools import cache

from course.teaching.quiz.clauses import answering
from course.teaching.quiz.numerals import spelled
from course.teaching.quiz.quantities import RELATIONS, done, has_number, named, strange
from course.teaching.quiz.typed import (
    LONG,
    Unreadable,
    denied,
    equated,
    folded,
    instead,
    linked,
    one_of,
    opened,
    pairs,
    typed,
    unreasoned,
    visible,
)

HIGH, LOW = "[⁰¹²³⁴-⁹]", "[₀-₉]"  # digits of powers, and those below a stroke
SHARE = re.compile(f"{HIGH}+[⁄/]{LOW}+|[¼-¾⅐-⅞↉]|⅟\\d+")
POWER = r"(?:\^|\*\*)(\(?[-+]?\d+\)?|{[-+]?\d+})"
RATIO = re.compile(r"\s*([-+]?)\s*(?:(\d+)\s+)?(\d+(?:\.\d+)?)\s*/\s*(\d*[1-9]\d*)(.*)", re.DOTALL)  # also 1 1/2
RAISED = re.compile(rf"([-+]?)(\d+(?:\.\d*)?|\.\d+){POWER}(.*)", re.DOTALL)
NUMBER = re.compile(
    rf"([-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:[x×*·]10(?:{POWER}|(-\d+)))?(.*)",
    re.DOTALL,  # a PDF's 3 x 10-4 has lost its raised position
)
FORMULA = re.compile(r"[(*/+√]")
RESULT = re.compile(r"\s*[-+]?\d[\d,.]*%?\s*")
SUM = re.compile(r"(?=.*(?:√|sqrt|\d\s*[-+*x×·]\s*\d))(?:[\s\d.,()^*/+x×·√-]|sqrt)+")  # "0.8 + 0.3", to be worked out
EQUAL = re.compile(r"[=≈≃→]")
TO_ONE = re.compile(r"(\d+(?:\.\d+)?)\s*(?::|to|대)\s*1(?!\d)")
BEFORE = re.compile(r"[^\W\d][^\d<>≤≥≠±√(^]*?[\s:](?=[-+.]?\d)")  # words, then a number
BOUND = re.compile(r"[<>≤≥≦≧≠±]")


def number(text, wanted=None):
    """A number and what follows, (float, str), from "1,000", "2.75e-4", "3 x 10^-4", "10²", "1½" or "about 60 %".

    Of an equation it is the last side, of a sentence the number after its last "so", of several numbers the one that is
    said to be what is `wanted` (see `quantities.asked`; None: anything). Raises Unreadable for anything else.
    """
    text = re.sub("-+>|=>|⇒", "→", visible(text))
    if len(text) > LONG or BOUND.search(unicodedata.normalize("NFKC", text)):
        raise Unreadable("one-number")
    if same := _same(text):
        return same
    other = False
    for part in (text, *instead(text.casefold())):
        answer = answering(unreasoned(part), wanted or frozenset())
        *names, side = _sides(answer)
        for piece, called in _pieces(side) if side.count("(") >= side.count(")") else ():
            read = _read(piece)
            if read and (wanted is None or not strange(called | _name(names), wanted)):
                return read
            other = other or bool(read)
    raise Unreadable("other-quantity" if other else "one-number")


def _same(text):
    """A number that is given twice, "1/16 or 0.0625", "0.905 (90.5 %)"; None where it is not."""
    for pattern in pairs("both"):
        found = pattern.fullmatch(text.casefold().strip())
        read = [_read(_plainly(said)) for said in found.groups()] if found else [None]
        if all(read) and all(rest in ("", "%") for _, rest in read):
            one, two = (value / 100 if rest else value for value, rest in read)
            return read[0] if math.isclose(one, two, rel_tol=1e-3) else None
    return None


def _sides(text):
    """The sides of an equation, the one that is its result last: of "0.529 = sqrt(0.28)" that is the first."""
    sides = [side for side in EQUAL.split(text) if side.strip()] or [""]
    turned = len(sides) == 2 and SUM.fullmatch(sides[1]) and RESULT.fullmatch(sides[0])
    return sides[::-1] if turned else sides


def _name(sides):
    """What the last side of an equation is called, by the last of the others that has no number: "variance = 0.28".
    An operation alone is a step: "0.28 -> sqrt -> 0.529"."""
    sides = [_called(side) for side in sides if not has_number(side) and not FORMULA.search(side)]
    return next((names for names in reversed(sides) if names and not names <= {*typed()["operations"]}), set())


def _read(text):
    """What `number` returns, from a text in ASCII as far as there is one; None where it is no number."""
    joined = re.sub(r"\s", "", text)
    try:
        if found := RATIO.fullmatch(text):
            sign, whole, above, below, rest = found.groups()
            value = _signed(sign, int(whole or 0) + float(above) / float(below))
        elif re.search(r"\d\s+\d", text):  # "1 2", "3 10^4"
            return None
        elif found := RAISED.fullmatch(joined):
            sign, base, power, rest = found.groups()
            value = _signed(sign, float(base) ** _power(power))
        elif found := NUMBER.fullmatch(joined):
            digits, power, bare, rest = found.groups()
            value = float(_without_commas(digits)) * 10.0 ** _power(power or bare or "0")
        else:
            return None
        if re.search(r"\d", rest) or not math.isfinite(value):  # "1.2.3", "0.5 or 0.6", "1e400"
            return None
    except (ValueError, ArithmeticError):
        return None
    rest = text[len(text) - _spaced(text, rest) :] if rest else ""
    return value, rest.strip().rstrip(".!?,)")


def _spaced(text, rest):
    """How many characters at the end of a text hold `rest`, which has lost its spaces."""
    count = 0
    while len(re.sub(r"\s", "", text[len(text) - count :])) < len(re.sub(r"\s", "", rest)):
        count += 1
    return count


def _pieces(side):
    """Yields the parts of a text that may be its number, each with what it is said to be: all of it; what follows the
    last "which is" or Korean connective, without the words before the number; what follows "is"."""
    yield _plainly(side), _called(side)
    if denied(side):
        return
    text = re.sub(one_of(typed()["of"], before=r"(?<=\d)(?!\d)[^\W\d]*\s*", after=r"\s*[\d,.]+"), "", side)  # 37 of 50
    last, link = linked(text)
    yield _unworded(last), _called(side if link == "to" else last)
    before, end = equated(last)
    if re.search(r"\d", before):  # "the std of 64 shots is 0.0625"
        yield _unworded(end), _called(end) | (named(before) - RELATIONS)


def _called(text):
    return named(text) | done(text)


def _unworded(text):
    """What was typed for a number without the words before it."""
    plain = _plainly(text).strip()
    found = BEFORE.match(plain)
    return plain[found.end() if found else 0 :]


def _plainly(text):
    """What was typed for a number in ASCII as far as there is one: ½ as 1/2, 10² as 10^2, full width, signs, words."""
    text = SHARE.sub(lambda found: f" {_flat(found[0])}", text)
    text = re.sub(f"[⁺⁻]?{HIGH}+", lambda found: f"^{_flat(found[0])}", text)
    if any(not c.isdecimal() and re.search(r"\d", _flat(c)) for c in text if c not in "₀₁₂₃₄₅₆₇₈₉"):  # ①: no digit
        raise Unreadable("one-number")
    text = re.sub(f"(?<=[^\\W\\d]){LOW}+", "", text)  # the index of a name
    if re.search(LOW, text):
        raise Unreadable("one-number")
    text = re.sub(r"(?<![\w.])(?:[^\W\d_]+_\d+(?=\D)|x\d(?=[^\d.]))", "", _flat(text).casefold())  # x_0
    text = re.sub(r"^\s*(?:[~≈=≃]|[x×*](?=\s*\d))\s*", "", opened(text))
    text = TO_ONE.sub(r"\1", re.sub(r"(?<![\d.,])(\d+)\s*분의\s*(\d+)", r"\2/\1", text))
    text = re.sub(one_of(typed()["minus"], before=r"(^|[^\W\d]\s+)", after=r"\s*-?\s*(?=[\d.])"), r"\1-", text)
    if not re.search(r"\d", text):
        plus = re.sub(one_of(typed()["minus"], before="^", after=r"\s*"), "", text)
        text = spelled(text) if plus == text else f"-{spelled(plus)}"
    return re.sub(one_of(typed()["tenths"], before=r"(\d+)\s*"), r"\1/10", text)


def _flat(text):
    """Text in the plain forms of its characters; dashes that stand for a minus become one."""
    return re.sub("[−‐‒–—]", "-", unicodedata.normalize("NFKC", text)).replace("⁄", "/")


def _signed(sign, value):
    return -value if sign == "-" else value


def _power(typed):
    """The whole number in "-4", "(-4)" or "{-4}"."""
    return int(typed.strip("(){}"))


def _without_commas(digits):
    """Digits with a point at most: commas part thousands, or else decimals."""
    thousands = re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?(e[-+]?\d+)?", digits)
    return digits.replace(",", "" if thousands else ".")


def plain_unit(text):
    """A unit without spaces, lower case."""
    return re.sub(r"\s", "", text).casefold()


@cache
def _ending():
    return re.compile(r"\s*" + one_of(typed()["after"], after="$"))


def endless(rest):
    """Yields what follows a number as it is, then with ever fewer words and endings that say nothing of it; "per cent"
    in words as its sign."""
    if denied(rest):
        return
    percent, open_ = {*map(plain_unit, typed()["percent"])}, [rest]
    for said in open_:
        yield "%" if plain_unit(said) in percent else plain_unit(said)
        shorter = _ending().sub("", said), folded(said)
        open_ += [text for text in shorter if text not in open_]

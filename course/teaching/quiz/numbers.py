"""Reads a number that was typed: in digits or in words, with what stands around it."""

import math
import re
import unicodedata
from functools import cache

from course.teaching.quiz.typed import LONG, Unreadable, denied, folded, instead, one_of, opened, typed, visible

HIGH, LOW = "[⁰¹²³⁴-⁹]", "[₀-₉]"  # digits of powers, and those below a stroke
SHARE = re.compile(f"{HIGH}+[⁄/]{LOW}+|[¼-¾⅐-⅞↉]|⅟\\d+")
POWER = r"(?:\^|\*\*)(\(?[-+]?\d+\)?|{[-+]?\d+})"
RATIO = re.compile(r"\s*([-+]?)\s*(?:(\d+)\s+)?(\d+(?:\.\d+)?)\s*/\s*(\d*[1-9]\d*)(.*)", re.DOTALL)  # also 1 1/2
RAISED = re.compile(rf"([-+]?)(\d+(?:\.\d*)?|\.\d+){POWER}(.*)", re.DOTALL)
NUMBER = re.compile(
    rf"([-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:[x×*·]10(?:{POWER}|(-\d+)))?(.*)",
    re.DOTALL,  # a PDF's 3 x 10-4 has lost its raised position
)
EQUAL = re.compile(r"[=≈≃→]")
TO_ONE = re.compile(r"(\d+(?:\.\d+)?)\s*(?::|to|대)\s*1(?!\d)")
BEFORE = re.compile(r"[^\W\d][^\d<>≤≥≠±√(^]*?[\s:](?=[-+.]?\d)")  # words, then a number
BOUND = re.compile(r"[<>≤≥≦≧≠±]")


def number(text):
    """A number and what follows, (float, str), from "1,000", "2.75e-4", "3 x 10^-4", "10²", "1½" or "about 60 %".

    Of an equation it is the last side, of a sentence the number after its last "so". Raises Unreadable for anything
    else.
    """
    text = visible(text)
    if len(text) > LONG or BOUND.search(unicodedata.normalize("NFKC", text)):
        raise Unreadable("one-number")
    sides = [side for side in EQUAL.split(text) if side.strip()] or [""]
    text = _plainly(sides[-1])
    for part in (text, *instead(text)):
        said = part if part == text else _plainly(part)
        for read in (_read(said), _read(_last(said))):
            if read:
                return read
    raise Unreadable("one-number")


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


def _last(text):
    """The part of a sentence that is its answer: what follows the last "so", without the words before the number."""
    if denied(text):
        return ""
    text = re.sub(one_of(typed()["of"], before=r"(?<=\d)(?!\d)[^\W\d]*\s*", after=r"\s*[\d,.]+"), "", text)  # 37 of 50
    parts = re.split(
        one_of(typed()["so"], before=r"(?:^|(?<=[\s,;.]))", after=r"(?=[\s,])")
        + r"|[가-힣](?:므로|니까|면|서|지만|인|고)[\s,]",
        text,
    )
    found = BEFORE.match(parts[-1].strip())
    return parts[-1].strip()[found.end() if found else 0 :]


def _plainly(text):
    """What was typed for a number in ASCII as far as there is one: ½ as 1/2, 10² as 10^2, full width, signs, words."""
    text = SHARE.sub(lambda found: f" {_flat(found[0])}", text)
    text = re.sub(f"[⁺⁻]?{HIGH}+", lambda found: f"^{_flat(found[0])}", text)
    if any(not c.isdecimal() and re.search(r"\d", _flat(c)) for c in text if c not in "₀₁₂₃₄₅₆₇₈₉"):  # ①: no digit
        raise Unreadable("one-number")
    text = re.sub(f"(?<=[^\\W\\d]){LOW}+", "", text)  # the index of a name
    if re.search(LOW, text):
        raise Unreadable("one-number")
    text = re.sub(r"(?<![\w.])[^\W\d_]+_\d+(?=\D)", "", _flat(text).casefold())  # x_0
    text = re.sub(r"^\s*(?:[~≈=≃]|[x×*](?=\s*\d))\s*", "", opened(text))
    text = TO_ONE.sub(r"\1", re.sub(r"(\d+)\s*분의\s*(\d+)", r"\2/\1", text))
    text = re.sub(one_of(typed()["minus"], before="^", after=r"\s*"), "-", text)
    return text if re.search(r"\d", text) else _counted(text)


def _counted(text):
    """A text whose number is in words, "forty-nine", with digits; any other as it is."""
    numerals = {plain_unit(word): value for value, words in typed()["numerals"].items() for word in words}
    found = re.match(one_of(numerals, before="(?:", after=r"[\s-]*)+"), text)
    if not found:
        return text
    total, held = 0, 0
    for word in re.findall(one_of(numerals), found[0]):
        value = numerals[plain_unit(word)]
        total, held = (
            (total + max(held, 1) * value, 0) if value in (100, 1000) or word == "십" else (total, held + value)
        )
    return f"{total + held} {text[found.end() :]}"


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

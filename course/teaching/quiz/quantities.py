"""What a number is said to be, "the variance is 0.28", and whether a question asks for that."""

import re
from functools import cache

from course.teaching.quiz.typed import denied, flat, one_of, typed

SYMBOL = re.compile(r"(?<![^\W\d_])([a-z])_(\w)(?:_?hat)?(?![a-z\d])|(?<![^\W\d_])(x)([0-9ts])(?:_?hat)?(?![a-z\d.])")
LETTER = re.compile(r"(?<![^\W\d_])([a-z])(?=\s*(?:[=≈]|is\b|는\s|은\s))")
GIVEN = re.compile(r"\S+\s*=\s*-?[\d.,]+")
MARKUP = re.compile(r"\\(?:hat|bar|tilde)\s*|[\\{}$]")
MULTIPLIED = re.compile(r"^\s*[x×*]\s*\d|\d\s*[x×]\W*$")
RELATIONS = {"times", "factor", "by", "to", "up", "down"}  # to another number


@cache
def _pattern():
    """A pattern for the words of `quantities` and `operations`, and what each stands for, (section, name)."""
    sections = ("quantities", "operations")
    words = {
        word.casefold(): (section, name)
        for section in sections
        for name, entry in typed()[section].items()
        for word in entry["says"]
    }
    latin = one_of(filter(str.isascii, words), before=r"(?<![a-z_])", after=r"(?![a-z])")
    hangul = one_of(word for word in words if not word.isascii() and len(word) > 1)
    single = one_of((word for word in words if not word.isascii() and len(word) == 1), before=r"(?<![가-힣])")  # 배
    return re.compile(f"{latin}|{hangul}|{single}"), {re.sub(r"\s", "", word): name for word, name in words.items()}


def _said(section, text):
    """What a text says of a section: a word within another, "squared" in "mean squared error", does not count."""
    pattern, names = _pattern()
    said = {names[re.sub(r"\s", "", found[0])] for found in pattern.finditer(text)}
    return {name for of, name in said if of == section}


def _symbols(text):
    """The names with an index, {"x_0"}, that stand in a text."""
    return {f"{found[1] or found[3]}_{found[2] or found[4]}" for found in SYMBOL.finditer(text)}


def named(text):
    """What is named in a text of `quantities`; symbols are quantities."""
    said = flat(text)
    multiplied = {"times", "factor"} if MULTIPLIED.search(SYMBOL.sub("", said)) else set()
    return _said("quantities", said) | _symbols(said) | {*LETTER.findall(said)} | multiplied


def done(text):
    """What a text names of `operations`."""
    return _said("operations", flat(text))


def strange(names, wanted):
    """Those of some names that are not wanted. A letter without an index, "x = 0.4", may be any unknown."""
    return {name for name in names - wanted if len(name) > 1}


def asked(question):
    """What a number question asks for, as `named` names it: what the question in its prompt, in either language, and
    its unit have."""
    found = set()
    for said in question.prompt.values():
        found |= {*re.findall(r"\$([a-z])\$", _last(said))}
        said = flat(MARKUP.sub("", said))
        last = _last(said)
        found |= _symbols(last)
        for section in ("quantities", "operations"):
            found |= {name for name, entry in typed()[section].items() if _asks(entry, last)}
    for form in (question.unit or {}).get("forms", ()):
        found |= named(f"1 {form}") | done(form)
    entries = typed()["quantities"].items()
    return frozenset(found | {name for name, entry in entries if "unless" in entry and not found & {*entry["unless"]}})


def repeated(question, rest, wanted):
    """What follows a number without the words after it that the question's last sentence has, too, or what it asks for
    by other words: "% of the average is random" is "%"."""
    if denied(rest):
        return rest
    words = {word for said in question.prompt.values() for word in re.findall(r"[^\s.,;:?!()]+", _last(flat(said)))}
    unit, *others = re.sub(r"^\s*(?=[^\W\d])", "| " if rest[:1].isascii() else "|", rest).split() or [""]
    known = {*words, *typed()["counters"]}
    left = [word for word in others if not named(word) or strange(named(word) | done(word), wanted)]
    left = [word for word in left if word not in known and not any(w.startswith(word) for w in words if word[1:])]
    unit = unit.replace("|", "")
    return " ".join([unit if len(left) == len(others) else unit.removesuffix("의"), *left])


def _last(prompt):
    """The sentence of a prompt that ends in its last question mark, without what it gives, such as "x_t = 1.2"."""
    sentences = re.split(r"(?<=[.?!])\s", prompt.strip())
    return GIVEN.sub(" ", next((said for said in reversed(sentences) if said.endswith("?")), sentences[-1]))


def _asks(entry, text):
    """Whether a text asks for what an entry names; one with `unless` is asked for by its own words only."""
    words = entry.get("asks", () if "unless" in entry else entry["says"])
    latin = one_of(filter(str.isascii, words), before=r"(?<![a-z_])", after=r"(?![a-z])")
    return bool(words and re.search(latin + "|" + one_of(word for word in words if not word.isascii()), text))


def has_number(text):
    """Whether a text has a number, in digits or in words, apart from the index of a symbol."""
    said = SYMBOL.sub(" ", flat(text))
    some = [*typed()["numerals"].values(), *typed()["shares"].values()]
    words = [word for words in some for word in words if word.isascii() and word not in ("one", "oh")]
    return bool(re.search(r"\d|" + one_of(words, before=r"\b", after=r"\b"), said))

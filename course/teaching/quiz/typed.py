"""Reads what was typed for an answer: the words around it and the spellings of quizzes/typed.yaml are taken away."""

import difflib
import re
import unicodedata
from functools import cache

from course import env
from course.teaching.language import in_all, read

# What is drawn as nothing at all: U+034F, Hangul fillers, variation selectors; besides the category Cf (see `visible`).
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
CROWD = re.compile(r"([\s,;.，；．﹐﹔﹒…‥︐︔]{8})[\s,;.，；．﹐﹔﹒…‥︐︔]+")  # more than anybody types
CLOSE = 0.885  # "difusion" is, "noising" for "denoising" is not
LONG = 200  # characters: an answer of a word or two, with all that may stand around it
WORDS = 24  # of a name with all that may stand around it; the ways to read more are too many to try
STEM = 0xE000  # where Unicode leaves room for private characters: one for each word of several spellings
NEGATED = re.compile(r"^\s*[!~^]|[≠¬×✕✖✗✘❌⛔❎]")  # signs that turn an answer round
RELATIVE = re.compile(
    r".*?(?:(?<!또)는|(?<!혹)은|[인한던건]|것은) (?=\S)"
)  # what goes before a Korean noun and says more of it
PARTS = re.compile(r"\s*[,/=:;|→>\n]\s*")
VERB = re.compile("[\uac00-\ud7a3]*(?:[^입]니다|[^이예]요|[^이]다)")  # no noun with its copula
SYMBOL = re.compile(r"\s*[a-z](?:_\w+)?(?:\s*\([^가-힣]*\)?)?\s*")  # q, or q(x_t | x_0)
GLOSS = re.compile(r"([^()\[\]{}]*)[(\[{]((?:[^()\[\]{}]|\([^()]*\))+)[)\]}]([^()\[\]{}]*)")


class Unreadable(ValueError):
    """An answer that cannot be marked, such as a letter that no option has; `text` says what to type, {en, ko}."""

    def __init__(self, key, **values):
        self.text = key if isinstance(key, dict) else in_all(f"unreadable.{key}", **values)
        super().__init__(self.text["en"])


@cache
def typed():
    """What quizzes/typed.yaml says, by its sections."""
    return read(env.shipped("quizzes/typed.yaml"))


def visible(text):
    """A text without the characters that nobody sees: joiners, marks of direction, soft hyphens, fillers; of a long row
    of commas and spaces, in which patterns get lost, it has the beginning."""
    drawn = (c for c in str(text) if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    return CROWD.sub(r"\1", UNSEEN.sub("", "".join(drawn)))


def plain(text):
    """Text without case, spaces, punctuation and hyphens, its Hangul composed."""
    return "".join(c for c in unicodedata.normalize("NFKC", visible(text)).casefold() if c.isalnum())


def one_of(words, before="", after=""):
    """A pattern for any of some words as one may type them, the longest first; spaces may be missing in Korean."""
    some = sorted({re.escape(word.casefold()) for word in words}, key=len, reverse=True)
    return before + "(?:" + "|".join(word.replace(r"\ ", r"\s*") for word in some) + ")" + after


@cache
def _stems():
    """A pattern for every spelling, and what each is replaced by."""
    stems = {plain(word): chr(STEM + k) for k, words in enumerate(typed()["spellings"]) for word in words}
    return re.compile(one_of(stems)), stems


@cache
def _latin():
    words = [word for words in typed()["spellings"] for word in words if word.isascii()]
    return re.compile(one_of(words, before=r"(?<![a-z])", after=r"(?![a-z])").replace(r"\s*", r"[\s-]*"))


@cache
def stemmed(text):
    """Plain text in which each word of several spellings, a long one also with a letter wrong, is one character."""
    pattern, stems = _stems()
    words, text = [word for word in stems if word.isascii()], flat(text)
    for word in re.findall(r"[a-z]{6,}", text):
        if word not in words and (meant := difflib.get_close_matches(word, words, 1, CLOSE)):
            text = text.replace(word, meant[0])
    whole = _latin().sub(lambda found: stems[plain(found[0])], text)  # or "forward sampling" had "forwards" in it
    return pattern.sub(lambda found: stems[found[0]], "".join(c for c in whole if c.isalnum() or ord(c) >= STEM))


@cache
def _around():
    """Patterns for what may stand before an answer and after it; English words are parted from it by a space."""
    before, after = typed()["before"], typed()["after"]
    first = one_of(filter(str.isascii, before), after=r"(?=[\s\W])"), one_of(w for w in before if not w.isascii())
    last = one_of(filter(str.isascii, after), before=r"(?<=[\s\W])"), one_of(w for w in after if not w.isascii())
    return re.compile(rf"(?:{'|'.join(first)})[\s,:]*"), re.compile(rf"[\s'\"”’]*(?:{'|'.join(last)})")


def flat(text):
    """Text in the plain forms of its characters, lower case, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", visible(text)).replace("’", "'").casefold().split())


@cache
def _reasons():
    """Patterns for where a reason begins, and for a part after a comma that is one by its end."""
    words, after_comma = one_of(typed()["why"]), one_of(typed()["why_comma"])
    begins = rf"(?:[\s,;.]+{words}|[,;]\s*{after_comma}(?! well| opposed| if))\s"
    return re.compile(begins, re.I), re.compile(r"[,;]\s[^,;]*" + one_of(typed()["why_end"], after=r"[\s.!?]*$"))


def unreasoned(text):
    """Text without the reason that is given after its answer."""
    begins, ends = _reasons()
    return ends.sub("", begins.split(text, maxsplit=1)[0])


@cache
def _therefore():
    words = one_of(typed()["therefore"], before=r"(?:^|(?<!or)(?<!not)[\s,;.])\s*", after=r"[\s,]+")
    return re.compile(words + "|" + one_of(typed()["hence"], before=r"(?<=\w)\s?", after=r"[\s,]+"), re.I)


def concluded(text):
    """What a sentence ends in after its last "so" or "therefore"; all of it where there is none."""
    return next((part for part in reversed(_therefore().split(text)) if part.strip()), text)


@cache
def _links():
    words, endings = one_of(typed()["so"]), one_of(typed()["links"])
    return re.compile(rf"(?:^|(?<=[\s,;.]))({words})(?=[\s,])|(?<=[가-힣\d%])\s?({endings})[\s,]", re.I)


def linked(text):
    """What follows the last "which is" or Korean connective of a text, and that link; all of it and "" without one."""
    found = [*_links().finditer(text)]
    return (text[found[-1].end() :], (found[-1][1] or found[-1][2]).casefold()) if found else (text, "")


def begins_linked(text):
    """Whether a text begins with "which is" or the like."""
    return bool(_links().match(text))


@cache
def _equals():
    latin, hangul = (filter(some, typed()["equals"]) for some in (str.isascii, lambda word: not word.isascii()))
    return re.compile(one_of(latin, before=r"\s", after=r"\s") + "|" + one_of(hangul, before=r"(?<=\w)", after=r"\s"))


def equated(text):
    """The two sides of the last "is" of a text; the first is "" where there is none."""
    found = [*_equals().finditer(text)]
    return (text[: found[-1].start()], text[found[-1].end() :]) if found else ("", text)


def opened(text):
    """Text without what stands before an answer, as often as something does, and without the reason given for it."""
    text, before = unreasoned(text.strip()), _around()[0]
    while found := before.match(text):
        text = text[found.end() :]
    return text


def bare(text):
    """Yields an answer as it is, and without what stands before it, as often as something does; each of these also
    without one ending."""
    before, after = _around()
    text = unreasoned(flat(text))
    while text:
        yield text
        whole = text.rstrip(" .!?~")
        yield from (whole[:end] for end in range(1, len(whole)) if after.fullmatch(whole, end))
        found = before.match(text) or RELATIVE.match(text)
        text = text[found.end() :] if found else ""


@cache
def _denying():
    deny = typed()["deny"]
    latin = one_of(filter(str.isascii, deny), before=r"\b", after=r"\b")
    return re.compile(latin + "|" + one_of(word for word in deny if not word.isascii()))


def denied(text, but=None):
    """Whether a text takes something back, or leaves it open: "not", "or", "at least"; the words of the section `but`
    do not."""
    said = re.sub(one_of(typed()[but]), " ", flat(text)) if but else flat(text)
    return bool(_denying().search(said))


def folded(text):
    """Text without its last word where that says nothing: "in total", or the verb that a Korean sentence ends in."""
    text = text.strip()
    tail = re.sub(one_of(typed()["tails"], before=r"(?:^|(?<=\s))", after="$"), "", text, count=1)
    *words, last = text.split() or [""]
    noun = unicodedata.normalize("NFD", last).endswith("\u11b7") and "\uac00" <= last[:1] <= "\ud7a3"  # ends in m
    return " ".join(words) if noun or VERB.fullmatch(last) else tail.strip()


@cache
def pairs(section):
    """The patterns of a section, whose two names stand for what is typed there."""
    return [re.compile(_pattern(said)) for said in typed()[section]]


def _pattern(said):
    """ "not {other} but {meant}" as a pattern: words are parted by spaces or commas, which Korean may leave out."""
    pieces = re.split(r"({\w+})", said)
    named = [f"(?P<{piece[1:-1]}>.+?)" if piece[:1] == "{" else _literal(piece) for piece in pieces]
    return "".join(named) + r"[\s.!?]*"


def _literal(piece):
    gap = r"[\s,;.]+" if piece.isascii() else r"[\s,;.]*"
    return gap.join(re.escape(word) for word in piece.split(" "))


def instead(text):
    """Yields what is meant in "not this but that", for every way to read it so."""
    for pattern in pairs("instead"):
        if found := pattern.fullmatch(text):
            yield found["meant"]


def named(text, forms):
    """Of what `forms` gives for stemmed names, {name: entry}, the entry that an answer means, or None.

    Whoever names two, one beside the other or as its gloss in brackets, must mean the same by both; of "not this but
    that" it is that. Raises Unreadable for signs such as ≠, which turn an answer round, for an essay, and for a name
    with a comment on it that may say anything.
    """
    if max(len(text), len(flat(text))) > LONG or len(text.split()) > WORDS:  # one sign may stand for a sentence
        raise Unreadable("few-words")
    if NEGATED.search(unicodedata.normalize("NFKC", visible(text))):
        raise Unreadable("no-words")

    @cache
    def of(said):
        return next((forms[stem] for part in bare(said) if (stem := stemmed(part)) in forms), None)

    found = (
        of(text) or next(filter(None, (_of_two(part, of, forms) for part in bare(text))), None) or of(concluded(text))
    )
    return found or next(filter(None, (_commented(part, of) for part in bare(text))), None)


@cache
def _comments():
    words = one_of(typed()["comment"], before=r"\s", after=r"\s")
    return re.compile(rf"\s*[,;:()\[\]]\s*|\s[-–—]+\s|{words}")


def _commented(text, of):
    """The entry of a name that comes first, where the comment behind it names the same. Raises Unreadable where the
    comment names nothing that is known."""
    head, *comment = [part for part in _comments().split(text, maxsplit=1) if part.strip()] or [""]
    if not comment or not of(head):
        return None
    also = {of(part) for part in re.split(r"[,;:()\[\]]", comment[0]) if part.strip()}
    if also <= {None, of(head)} and None in also:
        raise Unreadable("name-alone")
    return of(head) if also == {of(head)} else None


def _of_two(text, of, forms):
    """The entry behind a text in which two are named."""
    for pattern in pairs("instead"):
        if found := pattern.fullmatch(text):
            meant, other = of(found["meant"]) or _of_two(found["meant"], of, forms), of(found["other"])
            return meant if meant != other else None
    if found := GLOSS.fullmatch(text):
        meant, gloss = of(f"{found[1]} {found[3]}"), stemmed(found[2])
        same = of(found[2]) in (meant, None) and any(gloss in stem for stem, entry in forms.items() if entry == meant)
        if meant and (same or SYMBOL.fullmatch(found[2])):
            return meant
    sides = [found.groups() for pattern in pairs("both") if (found := pattern.fullmatch(text))]
    sides += [[part for part in PARTS.split(text) if part and not SYMBOL.fullmatch(part)]] if PARTS.search(text) else []
    sides += [(text[:k], text[k:]) for k in range(1, len(text)) if text[k] == " "]
    for side in filter(None, sides):
        one, *others = map(of, side)
        if one and others.count(one) == len(others):
            return one
    return None

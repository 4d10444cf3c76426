"""The questions as Moodle XML: a reader that knows nothing of the writer gives the bank back, and marks as Moodle does.

What Moodle's import asks for is written down here from its format; no Moodle was there to try it.
"""

import itertools
import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest

from course.teaching import quiz
from course.teaching.grading import moodle
from course.teaching.language import LANGUAGES, say
from course.teaching.quiz.marking import mark

HEAD = ["name", "questiontext", "generalfeedback", "defaultgrade", "penalty", "hidden", "idnumber"]
COMBINED = ["correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"]
CHOICE = ["single", "shuffleanswers", "answernumbering", "showstandardinstruction", *COMBINED]
ORDERING = ["layouttype", "selecttype", "selectcount", "gradingtype", "showgrading", "numberingstyle", *COMBINED]
UNITS = ["unitgradingtype", "unitpenalty", "showunits", "unitsleft"]
# The shares that Moodle's import knows; others are refused.
SHARES = {100, 90, 83.33333, 80, 75, 70, 66.66667, 60, 50, 40, 33.33333, 30, 25, 20, 16.66667, 14.28571}
SHARES |= {12.5, 11.11111, 10, 5, 0}
ALL = quiz.lessons()


def plain(node, tag):
    """The text of a child's <text>."""
    return node.find(f"{tag}/text").text or ""


def page(node, tag):
    """A text that is HTML, as its reader sees it; formulas between dollars again."""
    assert node.find(tag).get("format") == "html"
    words = unescape(re.sub(r"</?(?:p|ul|li)>", "", plain(node, tag)))
    return re.sub(r"\\\((.+?)\\\)", r"$\1$", words)


def read(data):
    """What stands in the file: {lesson: (category, {id: node})}."""
    found = {}
    for node in ET.fromstring(data):
        assert node.tag == "question"
        if node.get("type") == "category":
            path = plain(node, "category")
            name = path.rpartition("/")[2]
            found[name[:2]] = (path, {})
        else:
            [*found.values()][-1][1][node.find("idnumber").text] = node
    return found


@pytest.fixture(scope="module", params=LANGUAGES)
def lang(request):
    return request.param


@pytest.fixture(scope="module")
def pairs(lang):
    """Every question of the bank with what was read for it: [(Question, node)]."""
    found = read(moodle.quiz_xml(ALL, lang))
    assert [*found] == ALL
    for lesson, (_, nodes) in found.items():
        assert [*nodes] == [*quiz.load(lesson)]
    return [(question, found[n][1][id]) for n in ALL for id, question in quiz.load(n).items()]


def of(pairs, *kinds):
    """The pairs of some kinds; at least two of each kind, or nothing would be proved."""
    some = [(question, node) for question, node in pairs if question.kind in kinds]
    assert len(some) >= 2 * len(kinds)
    return some


def test_what_all_kinds_share_comes_back(pairs, lang):
    for question, node in pairs:
        assert plain(node, "name") == node.find("idnumber").text == question.id
        assert page(node, "questiontext") == question.prompt[lang]
        assert page(node, "generalfeedback") == question.explanation[lang]
        assert int(node.find("defaultgrade").text) == question.points
        assert float(node.find("penalty").text) == 0
        tags = [tag.text for tag in node.findall("tags/tag/text")]
        assert tags == [question.depth] + ["further"] * question.further


def test_formulas_stand_as_mathjax_of_moodle_reads_them(pairs, lang):
    formulas = 0
    for question, node in pairs:
        text = plain(node, "questiontext")
        formulas += text.count(r"\(")
        assert "$" not in text
        assert text.count(r"\(") == text.count(r"\)") == question.prompt[lang].count("$") / 2
    assert formulas > 20


def test_options_come_back_in_their_order(pairs, lang):
    for question, node in of(pairs, "choice", "several"):
        assert node.get("type") == "multichoice"
        assert node.find("single").text == ("true" if question.kind == "choice" else "false")
        assert (node.find("shuffleanswers").text, node.find("answernumbering").text) == ("false", "abc")
        answers = node.findall("answer")
        assert [page(answer, "feedback") for answer in answers] == [a["feedback"][lang] for a in question.answers]
        assert [unescape(answer.find("text").text) for answer in answers] == [a["text"][lang] for a in question.answers]
        assert [float(answer.get("fraction")) > 0 for answer in answers] == [a["correct"] for a in question.answers]
        assert {answer.get("format") for answer in answers} == {"html"}


def test_one_of_many_is_worth_all_or_nothing(pairs):
    for _, node in of(pairs, "choice"):
        assert sorted(answer.get("fraction") for answer in node.findall("answer")) == [
            *("0" for _ in node.findall("answer")[1:]),
            "100",
        ]


def test_several_give_all_points_for_the_right_ones_alone(pairs):
    """Every set of options: Moodle's sum is 100 where the course says that it is right, and nowhere else."""
    for question, node in of(pairs, "several"):
        worth = dict(zip(question.letters, (float(a.get("fraction")) for a in node.findall("answer")), strict=True))
        for size in range(1, len(worth) + 1):
            for chosen in itertools.combinations(worth, size):
                total = max(0, sum(worth[letter] for letter in chosen))
                assert (abs(total - 100) < 0.01) == mark(question, "".join(chosen)).correct
        assert abs(sum(worth.values())) < 0.01  # who ticks everything gets nothing
        assert all(share < 0 for letter, share in worth.items() if not mark_of(question, letter))


def mark_of(question, letter):
    return next(entry["correct"] for entry in question.answers if entry["id"] == letter)


def test_what_is_said_to_a_missing_option_is_kept(pairs, lang):
    for question, node in of(pairs, "several"):
        missed = [f"{a['id']}) {a['missed'][lang]}" for a in question.answers if a["correct"]]
        for tag in ("incorrectfeedback", "partiallycorrectfeedback"):
            rows = re.findall("<li>(.*?)</li>", plain(node, tag))
            assert [unescape(row) for row in rows] == missed
            assert plain(node, tag).startswith(f"<p>{say('paper.missed', lang)}</p>")
        assert plain(node, "correctfeedback") == ""


def test_shares_are_those_that_moodle_knows(pairs):
    for question, node in pairs:
        shares = {abs(float(answer.get("fraction"))) for answer in node.findall("answer")}
        assert question.kind == "order" or shares <= SHARES
    assert all(float(moodle.fraction(1 / parts)) in SHARES for parts in range(1, 9))
    assert [moodle.fraction(share) for share in (1, True, 0, -1 / 3, 0.5)] == ["100", "100", "0", "-33.33333", "50"]


def test_numbers_come_back_with_what_is_said_to_known_wrong_ones(pairs, lang):
    for question, node in of(pairs, "number"):
        *known, other = node.findall("answer")
        assert [(float(a.find("text").text), float(a.find("tolerance").text)) for a in known] == [
            (entry["value"], entry["tolerance"]) for entry in question.answers
        ]
        assert [page(a, "feedback") for a in known] == [entry["feedback"][lang] for entry in question.answers]
        assert [a.get("fraction") for a in known] == ["100" if e["correct"] else "0" for e in question.answers]
        assert (other.find("text").text, other.get("fraction")) == ("*", "0")
        assert page(other, "feedback") == question.otherwise[lang]


def test_units_may_follow_a_number_and_change_nothing(pairs):
    with_units = 0
    for question, node in of(pairs, "number"):
        units = node.findall("units/unit")
        assert [unit.find("unit_name").text for unit in units] == (question.unit or {"forms": []})["forms"]
        assert {float(unit.find("multiplier").text) for unit in units} <= {1.0}
        assert node.find("showunits").text == ("0" if units else "3")
        assert node.find("unitgradingtype").text == "0"
        with_units += bool(units)
    assert with_units >= 2


def as_moodle(node, typed):
    """The answer that Moodle takes for what was typed: the first that fits, "*" fits all."""
    for answer in node.findall("answer"):
        said = answer.find("text").text
        if node.get("type") == "numerical" and said != "*":
            fits = abs(float(typed) - float(said)) <= float(answer.find("tolerance").text) + 1e-12
        else:
            fits = said in ("*", typed.lower())
        if fits:
            return answer
    raise AssertionError(f"nothing fits {typed}")


def test_typed_answers_are_marked_as_in_the_course(pairs, lang):
    """Every known value and its edges, every form; and what no answer knows."""
    tried = 0
    for question, node in of(pairs, "number", "text"):
        if question.kind == "number":
            edges = [e["value"] + side * e["tolerance"] for e in question.answers for side in (-0.9, 0, 0.9)]
            typed = [f"{value:.12g}" for value in (*edges, 123456.5)]
        else:
            typed = [form for entry in question.answers for form in moodle.forms(entry)]
            typed += [form.upper() for form in typed] + ["zebra"]
        for answer in typed:
            taken, marked = as_moodle(node, answer), mark(question, answer)
            assert (taken.get("fraction") == "100") == marked.correct, (question.id, answer)
            assert (page(taken, "feedback"),) == tuple(text[lang] for text in marked.feedback), (question.id, answer)
            tried += 1
    assert tried > 300


def test_words_come_back_in_both_languages(pairs, lang):
    for question, node in of(pairs, "text"):
        assert node.find("usecase").text == "0"
        *known, other = node.findall("answer")
        assert (other.find("text").text, other.get("fraction")) == ("*", "0")
        assert page(other, "feedback") == question.otherwise[lang]
        rest = {}
        for answer in known:
            key = (answer.get("fraction"), page(answer, "feedback"))
            rest.setdefault(key, set()).add(answer.find("text").text)
        assert len(rest) == len(question.answers)
        for entry in question.answers:
            found = rest["100" if entry["correct"] else "0", entry["feedback"][lang]]
            written = {*entry["forms"]["en"], *entry["forms"]["ko"]}
            assert written <= found
            closed = {form.replace(" ", "") for form in written if re.search("[가-힣]", form)}
            assert found - written == closed - written
    assert moodle.forms({"forms": {"en": ["a b"], "ko": ["가 나", "a b"]}}) == ["a b", "가 나", "가나"]


def test_orders_come_back(pairs, lang):
    for question, node in of(pairs, "order"):
        answers = node.findall("answer")
        texts = {item["text"][lang]: item["id"] for item in question.items}
        order = [texts[unescape(answer.find("text").text)] for answer in answers]
        assert mark(question, order).correct
        assert [answer.get("fraction") for answer in answers] == [str(k) for k in range(1, len(answers) + 1)]
        assert node.find("selectcount").text == str(len(question.items))
        assert node.find("gradingtype").text == "ALL_OR_NOTHING"
        right = next(entry for entry in question.answers if entry["correct"])
        assert page(node, "correctfeedback") == right["feedback"][lang]
        assert page(node, "incorrectfeedback") == question.otherwise[lang]


def test_the_elements_are_those_of_the_format(pairs):
    """Names as Moodle's own export has them, for each type, and nothing else."""
    for question, node in pairs:
        tags = [child.tag for child in node if child.tag not in ("answer", "units")]
        body = {"choice": CHOICE, "several": CHOICE, "order": ORDERING, "number": UNITS, "text": ["usecase"]}
        assert tags == [*HEAD, *body[question.kind], "tags"], question.id
        for answer in node.findall("answer"):
            within = {"number": ["text", "tolerance", "feedback"], "order": ["text"]}
            assert [child.tag for child in answer] == within.get(question.kind, ["text", "feedback"])


def test_each_lesson_is_a_category_of_its_own(lang):
    found = read(moodle.quiz_xml(ALL, lang))
    paths = [path for path, _ in found.values()]
    top = f"$course$/top/{say('paper.course', lang)}"
    assert paths == [f"{top}/{lesson} {quiz.title(lesson)[lang]}" for lesson in ALL]
    assert [*read(moodle.quiz_xml(["03", "01"], lang))] == ["03", "01"]


def test_a_slash_in_a_title_begins_no_category(monkeypatch):
    monkeypatch.setattr(quiz, "title", lambda lesson: {"en": "GAN / VAE"})
    root = ET.fromstring(moodle.quiz_xml(["00"], "en"))
    assert plain(root[0], "category") == "$course$/top/From Noise to Images/00 GAN // VAE"


def test_signs_of_html_in_a_question_stay_signs(monkeypatch):
    """Texts have none by the rules of the files; formulas may."""
    entry = {"id": "a", "correct": True, "text": {"en": "R & D"}, "feedback": {"en": "so & so"}}
    entries = [entry, {**entry, "id": "b", "correct": False}]
    made = quiz.Question("77-1", "choice", "recall", 1, {"en": r"Is $a < b \& c$ so?"}, entries, {"en": "x & y"})
    monkeypatch.setattr(quiz, "load", lambda lesson: {"77-1": made})
    monkeypatch.setattr(quiz, "title", lambda lesson: {"en": "none"})
    [(_, nodes)] = read(moodle.quiz_xml(["77"], "en")).values()
    assert plain(nodes["77-1"], "questiontext") == r"<p>Is \(a &lt; b \&amp; c\) so?</p>"
    assert page(nodes["77-1"], "questiontext") == made.prompt["en"]
    assert nodes["77-1"].find("answer/text").text == "R &amp; D"


def test_a_lesson_without_questions_is_named():
    with pytest.raises(LookupError, match="lesson '77' has no questions; there are 00, 01"):
        moodle.quiz_xml(["01", "77"], "en")

"""The questions as a test on paper: all of them in order, then the key on pages of its own."""

import re
from html import unescape
from html.parser import HTMLParser

import decks
import pytest

from course.teaching import quiz
from course.teaching.grading import paper
from course.teaching.language import LANGUAGES, say
from course.teaching.quiz.marking import right_answer
from course.viz.html import formulas

ALL = quiz.lessons()
QUESTIONS = [question for lesson in ALL for question in quiz.load(lesson).values()]


class Outline(HTMLParser):
    """The elements of a page, and whether each is closed in its turn."""

    EMPTY = ("meta", "br", "mspace")

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=LANGUAGES)
def lang(request):
    return request.param


@pytest.fixture(scope="module")
def whole(lang):
    return paper.sheet(ALL, lang)


def section(page, id):
    """What stands in the section of this id."""
    return re.search(rf"<section class='[a-z ]+' id='{id}'>(.*?)</section>", page, re.DOTALL)[1]


def words(page):
    """A piece of HTML as its text."""
    return unescape(re.sub("<[^>]+>", "", page))


def test_all_questions_stand_in_order_and_the_key_behind_the_last(whole):
    assert re.findall(r"id='q-([\d-]+)'", whole) == [question.id for question in QUESTIONS]
    assert re.findall(r"id='key-([\d-]+)'", whole) == [question.id for question in QUESTIONS]
    assert whole.rindex("id='q-") < whole.index("<section class='key'>") < whole.index("id='key-")
    assert ".key { break-before: page }" in whole


def test_a_question_has_its_prompt_points_options_and_room(whole, lang):
    for question in QUESTIONS:
        body = section(whole, f"q-{question.id}")
        assert f"<p>{formulas(question.prompt[lang])}</p>" in body
        key = "paper.point" if question.points == 1 else "paper.points"
        assert say(key, lang, points=question.points) in words(body)
        assert say(f"paper.{question.kind}", lang) in words(body)
        rows = [words(row) for row in re.findall("<li>(.*?)</li>", body)]
        assert rows == [f"{option['id']}) {option['text'][lang]}" for option in question.options]
        marked = question.kind in ("choice", "several")
        assert body.count("class='box'") == (len(question.options) if marked else 0)
        assert body.count("class='line'") == (0 if marked else 1)


def test_no_answer_stands_before_the_key(whole, lang):
    """Neither what is right nor a word that is said after marking."""
    test = whole.partition("<section class='key'>")[0]
    for question in QUESTIONS:
        for text in [question.explanation, *(entry["feedback"] for entry in question.answers)]:
            assert text[lang] not in unescape(test)


def test_the_key_has_the_right_answer_and_the_reason(whole, lang):
    for question in QUESTIONS:
        body = words(section(whole, f"key-{question.id}"))
        assert body.endswith(question.explanation[lang])
        said = body.removeprefix(f"{question.id} ").removesuffix(question.explanation[lang])
        right = [entry for entry in question.answers if entry["correct"]]
        if question.kind in ("choice", "several"):
            assert said == "; ".join(f"{entry['id']}) {entry['text'][lang]}" for entry in right)
        elif question.kind == "number":
            value, _, off = said.partition(" ± ")
            assert (float(value), float(off or 0)) == (right[0]["value"], right[0]["tolerance"])
        else:
            assert said.replace(", ", "") == right_answer(question, lang)


def test_the_points_are_added_up(whole):
    assert f"</span> / {sum(question.points for question in QUESTIONS)}</p>" in whole
    assert f"</span> / {sum(q.points for q in quiz.load('02').values())}</p>" in paper.sheet(["02"], "en")


def test_the_page_is_whole_runs_nothing_and_asks_for_nothing(whole, lang):
    outline = Outline(whole)
    assert whole.startswith("<!DOCTYPE html>")
    assert f"<html lang='{lang}'>" in whole
    assert {"html", "body", "math", "section"} <= {*outline.seen}
    assert not {"script", "link", "img", "iframe", "object", "form"} & {*outline.seen}
    assert not [name for name in outline.attributes if name.startswith("on") or name in ("src", "href", "action")]
    assert "://" not in whole
    assert "url(" not in whole
    assert "@import" not in whole
    assert "$" not in whole


def test_only_the_lessons_asked_for():
    page = paper.sheet(["03", "01"], "en")
    ids = [id for lesson in ("03", "01") for id in quiz.load(lesson)]
    assert re.findall(r"id='q-([\d-]+)'", page) == ids
    with pytest.raises(LookupError, match="lesson '77' has no questions"):
        paper.sheet(["77"], "en")


@pytest.fixture
def printed(chromium):
    """A function that prints a page and returns how many sheets it takes; it fails where the page asks for anything."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, **decks.OPTIONS)
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))

        def sheets(text):
            page.set_content(text)
            data = page.pdf(format="A4", prefer_css_page_size=True)
            assert [url for url in asked if not url.startswith(("about:", "data:"))] == []
            return len(re.findall(rb"/Type\s*/Page\b", data))

        yield sheets
        browser.close()


def halves(page):
    """The page with the key alone left out, and with the test alone left out."""
    test = re.sub(r"<section class='key'>.*</section>(?=</body>)", "", page, flags=re.DOTALL)
    return test, re.sub(r"<main>.*</main>", "", page, flags=re.DOTALL)


@pytest.mark.browser
def test_the_printed_key_begins_on_a_page_of_its_own(printed, lang):
    """Test and key take together as many sheets as each alone; without the rule for pages they share one."""
    for lessons in (["00"], ["02"], ALL):
        page = paper.sheet(lessons, lang)
        assert printed(page) == sum(printed(part) for part in halves(page))
    page = paper.sheet(["00"], lang)
    assert printed(page) == 2
    assert printed(page.replace(".key { break-before: page }", "")) == 1

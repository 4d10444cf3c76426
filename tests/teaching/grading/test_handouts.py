"""A test for every student: their own numbers and name, and a key that has their answers."""

import re
from html import unescape

import decks
import pytest

from course.teaching import quiz
from course.teaching.grading import paper
from course.teaching.grading.handouts import handouts
from course.teaching.language import LANGUAGES, say
from course.teaching.quiz.marking import right_answer
from course.teaching.quiz.variants import varied
from course.viz.html import formulas

NAMES = ["Kim Minji", "김민지", "O'Neil <b> & Sons"]
LESSONS = ["05", "02"]


def parts(page):
    """The sections of the tests and of the keys, in order."""
    found = re.split(r"(?=<section class='(?:test|key)')", page)[1:]
    return [part for part in found if "class='test'" in part], [part for part in found if "class='key'" in part]


def body(part, id):
    return re.search(rf"<section class='[a-z ]+' id='{id}'>(.*?)</section>", part, re.DOTALL)[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_has_the_own_questions_and_a_key_that_fits(lang):
    page = handouts(LESSONS, lang, "spring-27", NAMES)
    tests, keys = parts(page)
    assert page.rindex("class='test'") < page.index("class='key'")
    for k, (name, test, key) in enumerate(zip(NAMES, tests, keys, strict=True), 1):
        assert name in unescape(test)
        assert f"{say('paper.key', lang)}: {name}" in unescape(key)
        for lesson in LESSONS:
            for question in quiz.load(lesson).values():
                own = varied(question, "spring-27", name)
                assert f"<p>{formulas(own.prompt[lang])}</p>" in body(test, f"q-{k}-{own.id}")
                solved = unescape(body(key, f"key-{k}-{own.id}"))
                assert own.explanation[lang] in solved
                assert right_answer(own, lang)[:1] in solved
                if own.vary:
                    assert f"<b>{right_answer(own)}" in solved
                    assert own.explanation[lang] not in unescape(test)
    assert len({*re.findall(r"id='(.*?)'", page)}) == len(re.findall(r"id='", page))


def test_without_a_class_it_is_the_paper_for_all():
    """The frame is that of `paper.sheet`, and a lesson in which nothing varies is asked alike."""
    page, sheet = handouts(["00"], "en", "a", ["b"], "p { color: red }"), paper.sheet(["00"], "en", "p { color: red }")
    assert page.partition("<section class='test'")[0] == sheet.partition("<main>")[0]
    [test], [key] = parts(page)
    assert re.sub(r"id='q-1-", "id='q-", test[test.index("<h2>") :]).replace("</section></section>", "</section>") in (
        sheet.replace("</section></main>", "</section>")
    )
    assert key.count("class='solution'") == sheet.count("class='solution'")


def test_tags_are_closed_and_names_are_text():
    page = handouts(["00"], "en", "a", NAMES)
    for tag in ("section", "div", "ul", "p", "h1", "h2", "h3", "b", "body", "html"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>")
    assert "O&#x27;Neil &lt;b&gt; &amp; Sons" in page


@pytest.mark.browser
def test_every_test_and_every_key_begins_on_a_page_of_its_own(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, **decks.OPTIONS)
        page = browser.new_page()

        def sheets(count):
            page.set_content(handouts(["00"], "en", "a", [f"student {k}" for k in range(count)]))
            return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))

        assert [sheets(count) for count in (1, 2, 5)] == [2, 4, 10]
        browser.close()

"""The page of a lesson: formulas as MathML, pictures inside, and nothing that a network would be asked for."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from helpers import loads
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.commands.publish.page import html_page
from course.commands.publish.run import NOTEBOOKS, find


def html(*cells, folder="."):
    """The page of cells as parsed HTML, and what could not be converted."""
    text, faults = html_page(new_notebook(cells=list(cells)), "name", folder)
    return BeautifulSoup(text, "html.parser"), faults


def test_formulas_of_every_kind_become_mathml():
    soup, faults = html(
        new_markdown_cell(
            "$a<b$ and \\\\(c\\\\)\n\n$$\\begin{aligned} x &= 1 & \\text{why} \\\\ y &= 2 \\end{aligned}$$\n\n"
            "\\begin{align} u &= v \\end{align}\n\n$$w = 1 \\tag{4}$$\n\n| head |\n|---|\n| $\\bar\\alpha_t$ |"
        )
    )
    assert faults == []
    assert len(soup.select("math")) == 6
    assert len(soup.select(".formula math[display=block]")) == 3
    assert "&=" not in soup.select_one("main").get_text()
    assert {"(1)", "(4)"} <= set(re.findall(r"\(\d\)", soup.select_one("main").get_text()))


def test_a_formula_that_cannot_be_converted_is_shown_as_source_and_reported():
    soup, faults = html(new_markdown_cell("Here $\\nosuchcommand{a} < 1$ it is."))
    assert soup.select_one("main code").get_text() == "\\nosuchcommand{a} < 1"
    assert len(faults) == 1
    assert "nosuchcommand" in faults[0]


def test_dollars_in_code_stay():
    soup, _ = html(new_markdown_cell("`$HOME` and\n\n```bash\necho $PATH $HOME\n```"), new_code_cell("x = '$a$'"))
    assert not soup.select("math")
    assert "echo $PATH $HOME" in soup.get_text()


def test_latex_outputs_and_pictures_of_the_folder(tmp_path):
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    cell = new_code_cell("", outputs=[new_output("display_data", data={"text/latex": "$\\alpha^2$"})])
    text = new_markdown_cell(
        "![a dot](dot.png) and <img alt='the same' src='dot.png'>\n\n<div><img src=\"dot.png\"></div>"
    )
    soup, faults = html(cell, text, folder=tmp_path)
    assert (len(soup.select("math")), faults) == (1, [])
    assert [image["src"] for image in soup.select("img")] == ["data:image/png;base64,iVBORw=="] * 3
    assert soup.title.get_text() == "name"


def test_a_picture_that_its_cell_does_not_hold_is_reported_and_named():
    soup, faults = html(new_markdown_cell("![what it shows](attachment:lost.png)\n\nGo on."))
    assert faults == ["missing attachment: lost.png"]
    assert "what it shows" in soup.get_text()
    assert "Go on." in soup.get_text()


def test_an_answer_stays_hidden_in_its_details():
    soup, _ = html(
        new_markdown_cell("<details><summary>Answer</summary>\n\n**b.** Because $t = 0$.\n</details>\n\nGo on.")
    )
    hidden = soup.select_one("details").get_text()
    assert "Because" in hidden
    assert "Go on" not in hidden


def test_code_that_only_draws_stands_in_closed_details_and_other_code_does_not():
    soup, _ = html(
        new_code_cell("from course.viz import show"),
        new_code_cell("x = 1"),
        new_code_cell("show(x, alt='x')", outputs=[new_output("stream", text="the figure")]),
    )
    folded = soup.select("details.code")
    assert [part.summary.get_text() for part in folded] == [
        "Code: what this lesson imports",
        "Code that draws the figure",
    ]
    assert [part.select_one("pre").get_text().strip() for part in folded] == [
        "from course.viz import show",
        "show(x, alt='x')",
    ]
    assert not any(part.has_attr("open") for part in folded)
    assert soup.find("pre", string=re.compile("the figure")).find_parent("details") is None
    assert "x = 1" in [
        part.get_text().strip() for part in soup.select(".jp-InputArea pre") if not part.find_parent("details")
    ]


def test_tables_of_texts_and_of_outputs_scroll_in_a_box():
    table = new_output("display_data", data={"text/html": "<p>a</p><table><tr><td>1</td></tr></table>"})
    soup, _ = html(new_markdown_cell("| a |\n|---|\n| b |"), new_code_cell("x", outputs=[table]))
    assert len(soup.select("table")) == 2
    assert all(part.parent["class"] == ["scroll"] for part in soup.select("table"))


def test_a_machine_is_not_told_of(tmp_path):
    said = [new_output("stream", text="eight processors")]
    soup, faults = html(new_code_cell("report()", outputs=said, metadata={"tags": ["machine"]}))
    assert "eight" not in soup.get_text()
    assert "run it yourself" in soup.get_text()
    assert faults == []


def test_a_badge_from_elsewhere_is_left_out():
    badge = new_markdown_cell("![Colab](https://example.org/badge.svg)", metadata={"tags": ["badge"]})
    soup, _ = html(badge, new_markdown_cell("text"))
    assert loads(soup) == []


@pytest.mark.skipif(not list(NOTEBOOKS.glob("*.ipynb")), reason="there are no lessons in this checkout")
def test_every_formula_of_the_lessons_can_be_converted():
    for path in find([]):
        lesson = nbformat.read(path, 4)
        lesson.cells = [
            cell for cell in lesson.cells if cell.cell_type == "markdown"
        ]  # code is coloured, which takes long
        text, faults = html_page(lesson, path.stem, path.parent)
        assert faults == [], path.stem
        assert loads(BeautifulSoup(text, "html.parser")) == [], path.stem

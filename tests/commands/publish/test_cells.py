"""What folds on a page, what a cell asks, and what it must not tell."""

import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.commands.publish import cells

SETUP = new_code_cell("import os\nos.getcwd()", metadata={"tags": ["setup"]})
IMPORTS = new_code_cell("import torch\n\nfrom course.viz import pictures as draw, show\ntorch.manual_seed(0)")
COMPUTES = "x = torch.randn(4)\ny = x + 1\nz = y.mean()\n"
DRAWS = "fig = draw(x)\nfig.suptitle('x')\nshow(\n    fig,\n    alt='x',\n)"


def folds(*sources, **metadata):
    """The summaries of cells that stand after setup and imports."""
    last = [new_code_cell(source, metadata=metadata) for source in sources]
    found = cells.folds(new_notebook(cells=[SETUP, IMPORTS, *last]))
    assert "fetches" in found.pop(0)
    assert "imports" in found.pop(1)
    return [found.get(place, "") for place in range(2, 2 + len(last))]


def test_setup_imports_and_what_mostly_draws_are_folded():
    assert folds(COMPUTES, DRAWS, COMPUTES + "show(draw(x), alt='x')") == ["", "Code that draws the figure", ""]
    assert folds(COMPUTES + DRAWS) == ["Code that draws the figure"]
    assert folds(DRAWS.replace("draw(", "other(").replace("show(", "other("), "%pip list", "") == ["", "", ""]


def test_what_is_folded_in_jupyter_is_folded(monkeypatch):
    assert folds(COMPUTES, jupyter={"source_hidden": True}) == ["Code"]
    monkeypatch.setenv("COURSE_LANG", "ko")
    (summary,) = cells.folds(
        new_notebook(cells=[new_code_cell("x", metadata={"jupyter": {"source_hidden": True}})])
    ).values()
    assert summary == "코드"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('ask("01-1", later=True)', [("01-1", True)]),
        ('display(ask("01-1"))\nask("01-2", answer="b", later=False)', [("01-1", False), ("01-2", False)]),
        ("ask(id)\nother('01-1')", []),
        ("!ls", []),
    ],
)
def test_the_questions_of_a_cell(source, found):
    assert cells.asked(new_code_cell(source)) == found


def test_what_a_machine_cell_has_shown_gives_way_to_a_line():
    said = [new_output("stream", name="stdout", text=f"Python at {sys.prefix}/bin")]
    cell = new_code_cell("report()", metadata={"tags": ["machine"]}, outputs=said)
    assert cells.hide_machine(cell) == []
    assert "run it yourself" in cell.outputs[0].data["text/html"]
    (complaint,) = cells.hide_machine(new_code_cell("report()", outputs=said))
    assert "report()" in complaint
    assert "`machine`" in complaint
    assert cells.hide_machine(new_code_cell("print(1)", outputs=[new_output("stream", text="1")])) == []
    assert cells.hide_machine(new_markdown_cell("text")) == []


def test_the_title_is_the_first_heading():
    assert cells.title(new_notebook(cells=[new_code_cell("# no"), new_markdown_cell("a\n\n# About $x$")])) == "About x"
    assert cells.title(new_notebook(cells=[new_markdown_cell("## no")])) is None

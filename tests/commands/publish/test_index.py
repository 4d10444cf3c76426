"""The list of the pages: titles, links that lead there, and a foreign index.html that stays."""

import pytest
from bs4 import BeautifulSoup
from helpers import loads
from nbformat.v4 import new_markdown_cell, new_notebook

from course.commands import UserError
from course.commands.publish.index import keep_foreign, write_index
from course.commands.publish.page import html_page


def save(path, heading):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html_page(new_notebook(cells=[new_markdown_cell(heading)]), path.stem, ".")[0], encoding="utf-8")


def listed(folder):
    soup = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert loads(soup) == []
    assert not soup.select("script")
    assert soup.select_one("meta[name=viewport]")
    return {link["href"]: link.get_text() for link in soup.select("a")}


def test_pages_are_listed_by_title_and_nothing_else_is(tmp_path):
    save(tmp_path / "02_b.html", "# 02 Noise & $x_t$")
    save(tmp_path / "01_a.html", "no heading")
    save(tmp_path / "one person/01_a.html", "# 01 A")
    (tmp_path / "other.html").write_text("<title>not ours</title>")
    for _ in range(2):  # the index does not list itself
        write_index(tmp_path)
        assert list(listed(tmp_path).items()) == [
            ("01_a.html", "01_a"),
            ("02_b.html", "02 Noise & x_t"),
            ("one%20person/01_a.html", "one person: 01 A"),
        ]


def test_a_foreign_index_stays(tmp_path):
    keep_foreign(tmp_path)
    save(tmp_path / "a.html", "# A")
    write_index(tmp_path)
    keep_foreign(tmp_path)
    (tmp_path / "index.html").write_text("<h1>my home</h1>")
    with pytest.raises(UserError, match="is not one of ours and stays"):
        keep_foreign(tmp_path)

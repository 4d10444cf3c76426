"""`run`: small notebooks executed for real, and their pages read as a browser without a network would."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
import project
import pytest
from bs4 import BeautifulSoup
from helpers import loads
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.__main__ import main
from course.commands import UserError
from course.commands.publish import kernel
from course.commands.publish.run import Outcome, find, pages, table
from course.teaching import quiz
from course.teaching.quiz.marking import right_answer
from course.teaching.quiz.variants import choose, varied

GOOD = [
    new_markdown_cell("# A good lesson about $x_t$\n\n$$q(x_t \\mid x_0)$$\n\nOn to [the next](02_bad.ipynb#end)."),
    new_code_cell(
        "import os, sys\nprint(sys.executable)\nprint(os.environ['COURSE_BUDGET'], os.environ['OMP_NUM_THREADS'])\n"
        "print(os.getcwd())"
    ),
    new_code_cell(
        "import numpy as np\nfrom course import viz\n"
        "fig = viz.pictures(np.random.randn(4, 1, 8, 8), title='Four of them')\n"
        "viz.show(fig, alt='four pictures of noise')"
    ),
    new_code_cell("from course.viz.widgets import scrub\nscrub([fig], ['one'], 'which')"),
]


BAD = [
    new_markdown_cell("# A lesson with a fault"),
    new_code_cell("before = 'seen before the fault'\nprint(before)"),
    new_code_cell("# a comment first\nraise ValueError('this is wrong\\nand this a second line')"),
    new_code_cell("print('never reached')"),
]


def save(path, cells, **course):
    notebook = new_notebook(cells=cells, metadata={"course": course} if course else {})
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run over a good lesson, a bad one and a file that is none: (folder, status, standard output, errors)."""
    folder = tmp_path_factory.mktemp("lessons")
    (folder / "00_none.ipynb").write_text("this is no notebook")
    save(folder / "02_bad.ipynb", BAD)
    save(folder / "03_good.ipynb", GOOD, budget_seconds=0.5)
    # someone else's kernel called python3, as many a home folder has one: it must not be taken
    spec = folder / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        patch.delenv("COURSE_BUDGET", raising=False)
        patch.delenv("OMP_NUM_THREADS", raising=False)
        output, errors = folder / "output.txt", folder / "errors.txt"
        with output.open("w") as out, errors.open("w") as err:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main(["run", str(folder), "--out", str(folder / "deep" / "build")])
    return folder, status, output.read_text(), errors.read_text()


def page(ran, name):
    return BeautifulSoup((ran[0] / "deep" / "build" / name).read_text(encoding="utf-8"), "html.parser")


def test_a_failing_lesson_is_status_1_and_the_others_run(ran):
    _, status, output, _ = ran
    assert status == 1
    lines = output.splitlines()
    assert re.fullmatch(r"lesson\s+seconds\s+budget", lines[0])
    assert re.fullmatch(r"00_none\s+0\.0\s+failed", lines[1])
    assert re.fullmatch(r"02_bad\s+\d+\.\d\s+failed", lines[2])
    assert re.fullmatch(r"03_good\s+\d+\.\d\s+0\.5\s+over its budget", lines[3])
    assert re.fullmatch(r"together\s+\d+\.\d", lines[4])
    assert lines[5].startswith("2 pages in ")


def test_the_fault_is_named_in_one_line(ran):
    errors = re.split(r"[\r\n]+", ran[3])
    assert [line.strip() for line in errors if "02_bad: code" in line] == [
        "02_bad: code cell 2 (raise ValueError('this is wrong\\nand this a second line')): ValueError: this is wrong"
    ]
    assert sum("00_none: not a notebook" in line for line in errors) == 1
    assert "Traceback" not in ran[3]


def test_a_progress_bar_counts_the_cells(ran):
    assert "03_good" in ran[3]
    assert re.search(r"\d+/6 \[", ran[3])


def test_the_page_of_a_failing_lesson_goes_as_far_as_it_got(ran):
    text = page(ran, "02_bad.html").get_text()
    assert text.count("seen before the fault") == 2  # in the code and below it
    assert "and this a second line" in text
    assert text.count("never reached") == 1  # in the code only


def test_the_kernel_is_this_python_with_the_quick_settings(ran):
    text = page(ran, "03_good.html").get_text()
    assert f"{sys.executable}\nquick 1\n{ran[0]}" in text


def test_the_page_needs_no_network(ran):
    for name in ("02_bad.html", "03_good.html"):
        soup = page(ran, name)
        assert loads(soup) == []
        assert not soup.select("script")


def test_the_page_shows_figure_formula_and_title(ran):
    soup = page(ran, "03_good.html")
    (figure,) = soup.select("main img")
    assert figure["alt"] == "four pictures of noise"
    assert figure["src"].startswith("data:image/png;base64,")
    assert len(soup.select("math")) == 2
    assert "$" not in soup.select_one("main .jp-MarkdownCell").get_text()
    assert soup.title.get_text() == "A good lesson about x_t"


def test_links_between_lessons_lead_to_pages(ran):
    assert page(ran, "03_good.html").find("a", string="the next")["href"] == "02_bad.html#end"


def test_an_index_lists_the_pages(ran):
    links = {link["href"]: link.get_text() for link in page(ran, "index.html").select("a")}
    assert links == {"02_bad.html": "A lesson with a fault", "03_good.html": "A good lesson about x_t"}


def test_a_foreign_index_is_kept_before_anything_runs(tmp_path, capsys):
    (tmp_path / "index.html").write_text("mine")
    assert main(["run", str(save(tmp_path / "a.ipynb", GOOD)), "--out", str(tmp_path)]) == 1
    assert "not one of ours" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ipynb", "index.html"]


def test_a_path_of_this_machine_is_complained_of(ran):
    assert "03_good: a cell shows a path of this machine" in ran[3]


def test_widgets_are_left_out(ran):
    assert "VBox" not in page(ran, "03_good.html").get_text()


def test_nothing_is_left_beside_the_pages_and_the_notebooks_are_untouched(ran):
    folder = ran[0]
    assert sorted(path.name for path in (folder / "deep" / "build").iterdir()) == [
        "02_bad.html",
        "03_good.html",
        "index.html",
    ]
    assert nbformat.read(folder / "03_good.ipynb", 4).cells[1].outputs == []


def test_a_cell_that_takes_too_long_and_a_kernel_that_dies(tmp_path):
    slow = new_notebook(cells=[new_code_cell("import time\ntime.sleep(60)"), new_code_cell("print(1)")])
    said = []
    fault = kernel.execute(slow, tmp_path, "quick", 1, said.append)
    assert fault == "code cell 1 (import time): took longer than 1 s"
    assert (slow.cells[1].outputs, said) == ([], [])
    dead = new_notebook(cells=[new_code_cell("import os"), new_code_cell("os._exit(3)")])
    fault = kernel.execute(dead, tmp_path, "quick", 60, said.append)
    assert fault.startswith("code cell 2 (os._exit(3)): the kernel died")
    assert said == [1]


def test_a_full_run_sets_its_budget_and_leaves_threads_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    notebook = new_notebook(
        cells=[new_code_cell("import os\nos.environ['COURSE_BUDGET'], os.environ['OMP_NUM_THREADS']")]
    )
    assert kernel.execute(notebook, tmp_path, "full", 60, lambda _: None) is None
    assert notebook.cells[0].outputs[0].data["text/plain"] == "('full', '2')"


def test_a_run_asks_the_numbers_that_its_user_has_chosen(tmp_path, monkeypatch):
    """What is kept lies elsewhere while it runs; an answer that was typed in the notebook is marked as it was there."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress"))
    monkeypatch.delenv("COURSE_VARIANT", raising=False)
    own = varied(quiz.find("02-6"), "spring-27", "Kim Minji")
    cell = f"from course import ask\nask('02-6', answer='{right_answer(own)}').result.correct"

    def correct():
        notebook = new_notebook(cells=[new_code_cell(cell)])
        assert kernel.execute(notebook, tmp_path, "quick", 60, lambda _: None) is None
        return notebook.cells[0].outputs[-1].data["text/plain"]

    assert correct() == "False"
    choose("spring-27", "Kim Minji")
    assert correct() == "True"
    monkeypatch.setenv("COURSE_VARIANT", "other/Kim Minji")
    assert correct() == "False"


def test_lessons_are_found_by_number_name_path_and_folder(tmp_path, monkeypatch):
    for name in ("00_welcome", "02_forward_process", "12_smaller"):
        save(tmp_path / f"{name}.ipynb", [])
    stems = lambda *names: [path.stem for path in find(names, tmp_path)]  # noqa: E731
    assert stems() == ["00_welcome", "02_forward_process", "12_smaller"]
    assert stems("02") == stems("2") == stems("02_forward_process") == ["02_forward_process"]
    assert stems("12", "0", "12_smaller") == ["12_smaller", "00_welcome"]
    other = save(tmp_path.parent / "other.ipynb", [])
    assert stems(str(other), "00") == ["other", "00_welcome"]
    assert stems(str(tmp_path)) == stems()


@pytest.mark.parametrize("name", ["07", "forward", "notes.ipynb", "1_"])
def test_an_unknown_lesson_lists_the_known_ones(tmp_path, name):
    save(tmp_path / "00_welcome.ipynb", [])
    with pytest.raises(UserError, match=r"known: 00_welcome") as caught:
        find([name], tmp_path)
    assert caught.value.code == 2


def test_no_lessons_are_wrong_use(tmp_path):
    with pytest.raises(UserError, match="there is no lesson"):
        find([], tmp_path)


def test_what_goes_further_lies_in_a_folder_of_its_own():
    assert pages([Path("a/01_one.ipynb"), Path("a/further/01_more.ipynb")]) == {
        Path("a/01_one.ipynb"): "01_one",
        Path("a/further/01_more.ipynb"): "further/01_more",
    }


def test_what_goes_further_runs_with_its_folder_and_links_hold(tmp_path, capsys):
    folder = tmp_path / "lessons"
    (folder / "further").mkdir(parents=True)
    save(folder / "01_noise.ipynb", [new_markdown_cell("# Noise\n\n[more](further/01_gan_vae.ipynb)")])
    link = new_markdown_cell("# More\n\n[back](../01_noise.ipynb#end)")
    save(folder / "further" / "01_gan_vae.ipynb", [link, new_code_cell("1 + 1")])
    assert main(["run", str(folder), "--out", str(tmp_path / "pages")]) == 0
    assert "2 pages in " in capsys.readouterr().out
    for name, link in (("01_noise", "more"), ("further/01_gan_vae", "back")):
        page = tmp_path / "pages" / f"{name}.html"
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        assert (page.parent / soup.find("a", string=link)["href"].partition("#")[0]).is_file()


def test_pages_of_notebooks_that_are_called_alike_lie_as_they_do(tmp_path):
    """As sixty that were handed in, in folders however deep; each page is told from each."""
    places = ["a.ipynb", "b/a.ipynb", "c/a.ipynb", "c/d/a.ipynb", "c/d/e.ipynb"]
    paths = [tmp_path / place for place in places]
    assert list(pages(paths).values()) == [place.removesuffix(".ipynb") for place in places]
    assert list(pages(paths[2:]).values()) == ["a", "d/a", "d/e"]
    assert pages(paths[3:]) == {paths[3]: "a", paths[4]: "e"}  # no two alike: no folders


def test_notebooks_that_are_called_alike_run_into_folders_and_keep_nothing(tmp_path, monkeypatch, capsys):
    """Each has a progress file of its own, which is gone with its kernel; the runner's is not touched."""
    mine = tmp_path / "mine" / "progress"
    monkeypatch.setenv("COURSE_PROGRESS", str(mine))
    source = "from course.teaching import events\nprint(len(events.events()))\nevents.note('answer', '{}', 'x', 1, 1)\n"
    source += "print(events.place())\nprint(len(events.events()))"
    for name in ("alice", "bob"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "00_welcome.ipynb", [new_code_cell(source.replace("{}", name))])
    there = [str(tmp_path / name) for name in ("alice", "bob")]
    assert main(["run", *there, "--out", str(tmp_path / "pages")]) == 0
    assert "alice/00_welcome" in capsys.readouterr().out
    places = []
    for name in ("alice", "bob"):
        text = (tmp_path / "pages" / name / "00_welcome.html").read_text(encoding="utf-8")
        found = re.search(r"<pre>0\n(\S+)\n1\n</pre>", text)
        places.append(found[1])
    assert len({*places, str(mine)}) == 3
    assert not [place for place in places if os.path.exists(os.path.dirname(place))]
    assert not mine.parent.exists()


def test_the_lessons_of_the_checkout_are_the_default():
    assert find([]) == project.NOTEBOOKS
    assert find(["01"]) == find(["1"]) == find(["01_noise_intuition"]) == [project.LESSONS[1]]
    assert find([project.FURTHER[0].stem]) == [project.FURTHER[0]]


@pytest.mark.parametrize("missing", ["nbformat", "nbclient", "nbconvert", "math_core"])
def test_a_missing_lab_package_is_one_line(tmp_path, monkeypatch, capsys, missing):
    path = save(tmp_path / "a.ipynb", [])
    for name in ("course.commands.publish.page", "course.commands.publish.kernel"):
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(sys.modules["course.commands.publish"], name.rpartition(".")[2])
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["run", str(path), "--out", str(tmp_path / "build")]) == 1
    error = capsys.readouterr().err
    assert f"{missing} is missing" in error
    assert "pip install -e '.[lab]'" in error
    assert error.count("\n") == 1


def test_an_output_folder_that_cannot_be_and_a_wrong_budget(tmp_path, monkeypatch, capsys):
    path = save(tmp_path / "a.ipynb", [])
    assert main(["run", str(path), "--out", str(path)]) == 1
    error = capsys.readouterr().err
    assert "cannot make the folder" in error
    assert "--out ~/pages" in error
    assert "python -m course lessons" in error
    assert error.count("\n") == 1
    monkeypatch.setenv("COURSE_BUDGET", "tiny")
    assert main(["run", str(path), "--out", str(tmp_path)]) == 2
    assert "COURSE_BUDGET is 'tiny'" in capsys.readouterr().err


def test_table_aligns_and_judges():
    text = table([Outcome("02_forward_process", 12.34, 30, None), Outcome("x", 100.0, 30, "ValueError")])
    assert text.splitlines() == [
        "lesson              seconds  budget",
        "02_forward_process     12.3      30",
        "x                     100.0      30  failed",
        "together              112.3",
    ]


@pytest.mark.browser
def test_a_browser_draws_the_formulas_with_the_font_of_the_page(ran):
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("there is no Chromium on the PATH")
    asked = []
    with sync_playwright() as tools:
        options = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = tools.chromium.launch(executable_path=chromium, args=options)
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto((ran[0] / "deep" / "build" / "03_good.html").as_uri())
        tab.evaluate("document.fonts.ready")
        loaded = tab.evaluate("[...document.fonts].map(font => `${font.family} ${font.status}`)")
        boxes = [formula.bounding_box() for formula in tab.locator("math").all()]
        browser.close()
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert [text.replace('"', "") for text in loaded] == ["Course Math loaded"]
    assert all(box["width"] > 15 and box["height"] > 8 for box in boxes)

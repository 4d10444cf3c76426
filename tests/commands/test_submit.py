"""`submit`: what it packs, what it shows, and what it says where there is nothing to pack."""

import json
import os
import pty
import sys

import pytest
from fill import functions, solution
from handing import handed, notebook
from project import ROOT, run

from course.__main__ import main
from course.teaching import events, exercises, quiz
from course.teaching.grading import submission


@pytest.fixture(autouse=True)
def _work(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.sqlite3"))
    (tmp_path / "work/further").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)


def write(name, *texts):
    path = f"work/{name}"
    with open(path, "wb") as file:
        file.write(notebook(texts))
    return path


def packed(path):
    with open(path, "rb") as file:
        _, (found,), _ = submission.submissions(handed(("x.json", file.read())))
    return found


def submit(*options):
    return main(["submit", *options, "--name", "Kim Minji", "--number", "20260123"])


def test_what_was_filled_in_and_clicked_is_in_it_and_shown(capsys):
    filled = functions(solution("02").read_text())
    write(
        "02_forward_process.ipynb",
        "import torch",
        filled["my_q_sample"],
        filled["my_alpha_bar"],
        "def my_cosine(T):\n    ...",
    )
    write("02_forward_process.new.ipynb", "def my_q_sample():\n    pass")
    events.note("answer", "02-3", "b", 2, 2)
    assert submit("02") == 0
    found = packed("02_Kim_Minji.json")
    assert {*found.functions} == {"my_q_sample", "my_alpha_bar", "my_cosine"}
    assert found.answers == {"02-3": ["b"]}
    assert (found.student.name, found.student.number) == ("Kim Minji", "20260123")
    said = capsys.readouterr().out
    assert "from work/02_forward_process.ipynb, as it was saved last" in said
    assert "02-q_sample: my_q_sample, 3 lines\n" in said
    assert "02-alpha_bar: my_alpha_bar, 2 lines, with 1 statement of the notebook that it needs\n" in said
    assert "02-cosine: not filled in" in said
    assert "02-eps_from_v: missing" in said
    assert "02-3: b" in said
    assert "02-4: no answer" in said
    assert all(id in said for id in [*exercises.ids("02"), *quiz.load("02")])


def test_where_nothing_is_filled_in_it_asks_whether_that_is_the_notebook(capsys):
    write("02_x.ipynb", "def my_q_sample(alpha_bar, x0, t, eps):\n    ...")
    submit("02")
    assert "nothing is filled in: is this your notebook?" in capsys.readouterr().out
    events.note("answer", "02-3", "b", 2, 2)
    submit("02")
    assert "nothing is filled in" not in capsys.readouterr().out


def test_notebooks_that_go_further_come_along():
    write("06_stable_diffusion.ipynb", "def my_cfg(a, b, c):\n    return a")
    write("further/06_more.ipynb", "def my_encode(mean, std, noise, factor):\n    return mean")
    assert submit("06", "--out", "x.json") == 0
    assert {*packed("x.json").functions} == {"my_cfg", "my_encode"}


def test_what_uses_the_course_is_said_before_it_is_handed_in(capsys):
    write("02_x.ipynb", "from course.forward import q_sample", "def my_q_sample(*args):\n    return q_sample(*args)")
    submit("02")
    assert "it uses q_sample from the course, which is not there when it is marked" in capsys.readouterr().out
    write("06_x.ipynb", "from course.pipelines import hub", "def my_script(diffusers, torch, seed):\n    return hub")
    submit("06")
    assert "it uses" not in capsys.readouterr().out


def test_a_notebook_may_lie_anywhere():
    path = write("mine.ipynb", "def my_mix(x0, snr, eps):\n    return x0")
    assert submit("01", "--notebook", path, "--out", "x.json") == 0
    assert {*packed("x.json").functions} == {"my_mix"}


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["77"], "there is no lesson '77'; there are 00", 2),
        (["02", "--notebook", "none.ipynb"], "cannot read none.ipynb: No such file", 1),
        (["02", "--notebook", "broken.ipynb"], "broken.ipynb is no notebook", 1),
        (["02", "--out", "none/x.json"], "cannot write none/x.json", 1),
    ],
)
def test_faults_are_one_line(options, words, code, capsys):
    with open("broken.ipynb", "w") as file:
        file.write('{"cells": 5}')
    write("02_x.ipynb", "x = 1")
    assert submit(*options) == code
    said = capsys.readouterr()
    assert (words in said.err, said.err.count("\n"), said.out) == (True, 1, "")


def test_who_has_numbers_of_their_own_hands_in_under_that_name(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_VARIANT", "mackerel/Kim Minji")
    write("02_x.ipynb", "x = 1")
    assert main(["submit", "02", "--number", "", "--out", "x.json"]) == 0
    assert packed("x.json").student.name == "Kim Minji"
    assert "numbers of" not in capsys.readouterr().out
    assert main(["submit", "02", "--number", "", "--name", "Lee", "--out", "x.json"]) == 0
    said = capsys.readouterr().out
    assert "you were asked with the numbers of Kim Minji, and will be marked by those of Lee" in said
    monkeypatch.setenv("COURSE_VARIANT", "mackerel")
    assert main(["submit", "02", "--number", "", "--out", "x.json"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def course(*arguments, **options):
    return run(sys.executable, "-m", "course", *arguments, env={**os.environ, "PYTHONPATH": str(ROOT)}, **options)


def test_without_somebody_to_ask_a_name_is_needed(tmp_path):
    write("02_x.ipynb", "x = 1")
    done = course("submit", "02", cwd=tmp_path, stdin=None, input="")
    assert (done.returncode, done.stderr) == (2, "python -m course submit: your name? give it with --name\n")


def test_a_name_is_asked_for_where_somebody_is_there(tmp_path, monkeypatch):
    write("02_x.ipynb", "x = 1")
    ours, theirs = pty.openpty()
    os.write(ours, "김 민지\n\n".encode())
    with os.fdopen(theirs, "rb") as typed:
        done = course("submit", "02", cwd=tmp_path, stdin=typed)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "02_김_민지.json").read_text(encoding="utf-8"))["name"] == "김 민지"


def test_progress_that_was_edited_changes_no_mark():
    """What is packed are answers; points that somebody has written into the progress are not read."""
    write("02_x.ipynb", "x = 1")
    events.note("exercise", "02-q_sample", "correct", 3, 3)
    events.note("answer", "02-3", "a", 99, 99)
    submit("02", "--out", "x.json")
    with open("x.json") as file:
        assert "99" not in file.read()
    assert packed("x.json").answers == {"02-3": ["a"]}

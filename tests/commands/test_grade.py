"""`grade`: a class from its folder to its tables and pages, also after a kill and on many machines; what it refuses."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from urllib.parse import unquote

import psutil
import pytest
from fill import functions, other, solution
from handing import notebook, packed
from helpers import files
from project import ROOT

from course.__main__ import main
from course.teaching import quiz
from course.teaching.grading import sandbox
from course.teaching.language import say
from course.teaching.quiz.marking import right_answer


@pytest.fixture
def school(tmp_path):
    """Four students: all right, nearly nothing, a cheat, nothing that can be read."""
    place = tmp_path / "class"
    right = ["import math\nimport torch", *functions(other("02").read_text()).values()]
    answers = [(one.id, right_answer(one)) for one in quiz.load("02").values()]
    cheat = [
        "def check(*_):\n    return 5",
        "def my_q_sample(*args):\n    __import__('os')._exit(0)",
        "check('02-q_sample', 1)",
    ]
    for name, file, data in (
        ("Kim Minji_1_assignsubmission_file", "02.json", packed("02", right, answers)),
        ("이 준_2_assignsubmission_file", "02.json", packed("02", [], answers[:1], "이 준", "2")),
        ("Park_3_assignsubmission_file", "02.ipynb", notebook(cheat)),
        ("Choi_4_assignsubmission_file", "report.pdf", b"%PDF"),
    ):
        (place / name).mkdir(parents=True)
        (place / name / file).write_bytes(data)
    return place


def rows(out):
    with open(out / "marks.csv", encoding="utf-8-sig", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def results(out):
    """All that `grade` has written, but not what it keeps for itself."""
    return {name: data for name, data in files(out).items() if not name.startswith("kept/")}


def test_a_class_comes_out_as_tables_and_pages(bubblewrap, school, tmp_path, capsys):
    out = tmp_path / "marks"
    assert main(["grade", str(school), "--out", str(out), "--jobs", "2"]) == 0
    found = rows(out)
    assert {name: row["total"] for name, row in found.items()} == {
        "Kim Minji": "35",
        "이 준": "2",
        "Park": "0",
        "Choi": "0",
    }
    assert {name: row["remarks"] for name, row in found.items()} == {
        "Kim Minji": "",
        "이 준": "",
        "Park": "redefined",
        "Choi": "no-file",
    }
    assert sorted(name.partition("/")[0] for name in results(out)) == [
        "marks.csv",
        "moodle.csv",
        "moodle_gradebook.csv",
        *["pages"] * 4,
        "report.html",
    ]
    said = capsys.readouterr().out
    assert "1 Choi: nothing that can be marked; look: no-file" in said
    assert [head for head in next(csv.reader(out.joinpath("marks.csv").open(encoding="utf-8-sig"))) if not head] == []
    with open(out / "moodle.csv", encoding="utf-8-sig", newline="") as file:
        graded = {row["Full name"]: (row["Grade"], row["Feedback comments"]) for row in csv.DictReader(file)}
    assert (graded["Choi"][0], graded["Kim Minji"][0], graded["Park"][0]) == ("", "100", "0")
    assert graded["Choi"][1].startswith("What was handed in could not be read.")
    pages = {path.name[:2]: path.read_text(encoding="utf-8") for path in (out / "pages").iterdir()}
    assert [name for name, page in pages.items() if say("grade.unread", "en") in page] == ["Ch"]
    linked = re.findall(r"href='(pages/[^']+)'", (out / "report.html").read_text(encoding="utf-8"))
    assert len(linked) == 2
    assert all((out / unquote(name)).is_file() for name in linked)
    assert "2 Kim Minji: lesson 02: 35 of 35" in said
    before = results(out)
    assert main(["grade", str(school), "--out", str(out)]) == 0
    assert results(out) == before
    assert capsys.readouterr().out.count("(marked before)") == 4
    assert main(["grade", str(school), "--out", str(tmp_path / "again"), "--jobs", "1"]) == 0
    assert results(tmp_path / "again") == before


def test_the_language_is_that_asked_for(bubblewrap, school, tmp_path):
    for folder in school.iterdir():
        if not folder.name.startswith("이"):
            shutil.rmtree(folder)
    pages = {}
    for lang in ("en", "ko", None):
        out = tmp_path / str(lang)
        assert main(["grade", str(school), "--out", str(out), *(["--lang", lang] if lang else [])]) == 0
        (pages[lang],) = (out / "pages").iterdir()
    said = {lang: page.read_text(encoding="utf-8") for lang, page in pages.items()}
    for word, where in ((say("grade.given", "ko"), ("ko", None)), (say("grade.given", "en"), ("en", None))):
        assert {lang for lang, text in said.items() if f">{word}<" in text} == {*where}


def test_without_a_sandbox_nothing_runs_and_trust_is_on_every_page(school, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "trouble", lambda: "no sandbox")
    out = tmp_path / "marks"
    assert main(["grade", str(school), "--out", str(out)]) == 1
    assert capsys.readouterr().err == "python -m course grade: no sandbox\n"
    assert not out.exists()
    assert main(["grade", str(school), "--out", str(out), "--trust"]) == 0
    assert rows(out)["Kim Minji"]["total"] == "35"
    for page in [*(out / "pages").iterdir(), out / "report.html"]:
        assert "Made without a sandbox" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("folder", "out", "words"),
    [
        ("nowhere", "marks", "nowhere: No such file or directory"),
        ("empty", "marks", "nothing was handed in in "),
        ("text.zip", "marks", "text.zip is no zip that can be opened"),
        ("class", "class/marks", "choose a place beside it"),
        ("class", "text.zip/marks", "text.zip"),
    ],
)
def test_faults_are_one_line(bubblewrap, school, tmp_path, folder, out, words, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    assert main(["grade", str(tmp_path / folder), "--out", str(tmp_path / out)]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_and_nothing_is_left(bubblewrap, tmp_path):
    place, out = tmp_path / "class", tmp_path / "marks"
    place.mkdir()
    texts = ["import math\nimport torch", *functions(solution("02").read_text()).values()]
    for k in range(8):
        (place / f"{k}.json").write_bytes(packed("02", texts, [("02-5", "abc"[k % 3])], f"Student {k}", str(k)))
    command = [sys.executable, "-m", "course", "grade", str(place), "--out", str(out), "--jobs", "2"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    end = time.monotonic() + 120
    while len([*out.glob("kept/*.json")]) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    below = psutil.Process(running.pid).children(recursive=True)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert 3 <= len([*out.glob("kept/*.json")]) < 8
    _, alive = psutil.wait_procs(below, timeout=20)
    assert alive == []
    assert not (out / "marks.csv").exists()
    assert main(["grade", str(place), "--out", str(out)]) == 0
    assert main(["grade", str(place), "--out", str(tmp_path / "whole")]) == 0
    assert results(out) == results(tmp_path / "whole")
    assert len(rows(out)) == 8


@pytest.mark.slow
def test_two_workers_of_a_cluster_give_the_same(bubblewrap, school, tmp_path, capsys):
    from distributed import LocalCluster

    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        options = ["--scheduler", cluster.scheduler_address]
        assert main(["grade", str(school), "--out", str(tmp_path / "there"), *options]) == 0
    assert main(["grade", str(school), "--out", str(tmp_path / "here"), "--jobs", "1"]) == 0
    assert results(tmp_path / "there") == results(tmp_path / "here")


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_said_in_one_line(school, tmp_path, capsys):
    pytest.importorskip("distributed")
    assert main(["grade", str(school), "--out", str(tmp_path / "x"), "--scheduler", "tcp://127.0.0.1:9"]) == 1
    assert capsys.readouterr().err == "python -m course grade: no Dask scheduler answers at tcp://127.0.0.1:9\n"

"""Twelve submissions, honest and hostile, through the command: marks, pages, nothing harmed, and the same once more."""

import csv
import json
import re
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fill import functions, other, solution
from handing import notebook, packed
from helpers import files
from project import ROOT, module

from course.teaching import exercises, quiz
from course.teaching.exercises import POINTS
from course.teaching.quiz.marking import right_answer

attacks = module(Path(__file__).with_name("attacks.py"))
SAID = "<script>alert(1)</script>{key}\ud800=1+1"
FORGED = "def my_negative(x):\n    import wire\n    wire.LOG = 5\n    raise ValueError('<img src=x onerror=alert(1)>')"
TOTALS = {
    "Ahn": (4 + POINTS * len(exercises.ids("01")), ""),  # all right, in two lessons
    "Bae": (4, ""),  # right, typed in a notebook
    "Cho": (1, ""),  # a known mistake
    "Do": (0, ""),  # a loop without an end
    "Eom": (0, ""),  # a forged reply
    "Gil": (0, ""),  # what must not be touched
    "Han": (0, "claims redefined"),  # pasted outputs
    "Im": (0, "broken-zip no-json"),
    "Jo": (0, "link"),
    "Ko": (1, ""),  # odd letters
    "../Lee": (4, ""),  # a name that leads out
    "Moon": (0, "no-file"),
}


def answers(lesson):
    return [(one.id, right_answer(one)) for one in quiz.load(lesson).values()]


def changed(data, **parts):
    return json.dumps(json.loads(data) | parts).encode()


def hostile(slug, **values):
    return attacks.file_of(next(one for one in attacks.ALL if one.slug == slug), **values)


@pytest.fixture
def school(tmp_path):
    """The folder of a class, and beside it what must stay as it is."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("untouched")
    place = tmp_path / "class"
    more = ["import math\nimport torch", *functions(other("01").read_text()).values()]
    right = ["import torch", *functions(solution("00").read_text()).values()]
    output = {"output_type": "stream", "text": "00-negative: correct, 3 of 3 points"}
    cheat = [
        "def check(*_):\n    return 3",
        "def my_negative(x):\n    return x * 7",
        'check("00-negative", my_negative)',
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        values = {"VICTIM": victim, "PORT": server.getsockname()[1], "UNIX": victim / "s", "TOKEN": "attack"}
        handed = {
            "Ahn/a.json": packed("00", right, answers("00"), "Ahn"),
            "Ahn/b.json": packed("01", more, [], "Ahn"),
            "Bae/00.ipynb": notebook([*right, 'ask("00-1", answer="b")']),
            "Cho/a.json": packed("00", ["def my_negative(x):\n    return 1 - x"], [], "Cho"),
            "Do/a.json": changed(hostile("loop"), name="Do"),
            "Eom/a.json": changed(hostile("reply-huge-infinite"), name="Eom"),
            "Gil/a.json": changed(hostile("writes", **values), name="Gil"),
            "Han/a.ipynb": notebook(cheat, [output]),
            "Im/a.zip": b"PK\x03\x04",
            "Im/b.json": b"[" * 10**5,
            "Jo/a.txt": b"",
            "Ko/a.json": changed(packed("00", [FORGED], answers("00"), "Ko"), answers=[["00-1", "b"], [SAID, SAID]]),
            "Lee/a.json": changed(packed("00", right, answers("00")), name="../Lee", number=SAID),
            "Moon/a.docx": SAID.encode("utf-8", "surrogatepass"),
        }
        for name, data in handed.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
        (place / "Jo/a.json").symlink_to(victim / "file")
        yield place
        server.settimeout(0.01)
        with pytest.raises(TimeoutError):
            server.accept()
    assert files(victim) == {"file": b"untouched"}


def graded(place, out):
    command = [sys.executable, "-m", "course", "grade", str(place), "--out", str(out), "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_twelve_are_marked_and_nothing_is_harmed(bubblewrap, school, tmp_path):
    before, out = files(school), tmp_path / "marks"
    said = graded(school, out)
    assert "(marked before)" not in said
    with open(out / "marks.csv", encoding="utf-8-sig", newline="") as file:
        found = {row["name"]: row for row in csv.DictReader(file)}
    assert {name: (int(row["total"]), row["remarks"]) for name, row in found.items()} == TOTALS
    pages = files(out / "pages")
    assert len(pages) == 12
    for name, page in [*pages.items(), ("report", (out / "report.html").read_bytes())]:
        assert not re.search(r"<script|<img[^>]*onerror|[\ud800-\udfff]", page.decode("utf-8")), name
    assert files(school) == before
    first = files(out)
    again = graded(school, out)
    assert again.count("(marked before)") == len([line for line in again.splitlines() if re.match(r"\d+ \S", line)]) - 1
    assert files(out) == first


def test_the_same_class_in_a_zip_has_the_same_marks(bubblewrap, school, tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as zipped:
        for name, data in files(school).items():
            if name.startswith(("Bae", "Cho", "Ko")):
                zipped.writestr(f"class/{name}", data)
    graded(tmp_path / "class.zip", tmp_path / "marks")
    with open(tmp_path / "marks/marks.csv", encoding="utf-8-sig", newline="") as file:
        found = {row["name"]: (int(row["total"]), row["remarks"]) for row in csv.DictReader(file)}
    assert found == {name: TOTALS[name] for name in ("Bae", "Cho", "Ko")}

"""Whatever lies in a class's folder: each student is a row that says what is odd, and the others have their marks."""

import io
import json
import os
import time
import zipfile
from pathlib import Path

import pytest
from handing import notebook, packed
from project import module

from course.teaching import quiz
from course.teaching.grading import gather, judging
from course.teaching.quiz.marking import mark, right_answer
from course.teaching.quiz.typed import Unreadable

pytestmark = pytest.mark.slow
attacks = module(Path(__file__).with_name("attacks.py"))
ANSWERED = packed("00", [], [("00-1", "b")], name="", number="")
HONEST = ("Honest Lee", 1, [])


def zipped(files, pack=zipfile.ZIP_DEFLATED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", pack) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return made.getvalue()


def edited(**changes):
    """A packed file with other things in it."""
    return json.dumps(json.loads(ANSWERED) | changes).encode()


def damaged(data, word=b"PK\x01\x02", place=10, value=b"\x63"):
    """A zip with a byte changed in the first entry of its list: by default how it is packed, a way that is none."""
    at = data.index(word) + place
    return data[:at] + value + data[at + len(value) :]


BIG = zipped({"a.json": os.urandom(3000)})
SPOILT = BIG.replace(BIG[200:230], bytes(30))  # what is packed, in its middle
LIST = json.dumps({"cells": []}).encode()
DEEP = b'{"kind": "noise-to-images-submission", "format": 1, "lesson": ' + b"[" * 90_000
CELLS = [{"cell_type": "code", "source": [1, None, 'ask("00-1", answer="b")']}, 7, None, [], {"cell_type": "code"}]
OUTPUT = {"output_type": "stream", "text": "00-negative: correct, 3 of 3 points\n" + "00-" * 10**5}
TYPES = [
    *(("cells", value) for value in ({"a": 1}, [None])),
    *(("format", value) for value in ("1", [1])),
    *(("cells", "x"), ("answers", 7), ("answers", [["00-1", 5]]), ("answers", [{"a": 1}])),
    *(("lesson", value) for value in (["00"], {}, "99", None)),
]
FILES = {
    # name: (files of one student, points, slugs of remarks)
    "no-json": ({"a.json": b"no"}, 0, ["no-json"]),
    "empty": ({"a.json": b"", "b.ipynb": b""}, 0, ["no-json", "no-json"]),
    "no-file": ({"essay.docx": b"x", "a.exe": b"MZ"}, 0, ["no-file"]),
    "hidden": ({".ipynb_checkpoints/a.ipynb": LIST}, 0, ["no-file"]),
    "not-utf8": ({"a.json": b'{"kind": "\xff\xfe'}, 0, ["no-json"]),
    "deep": ({"a.json": DEEP, "b.ipynb": b"[" * 10**6}, 0, ["no-json", "no-json"]),
    "vast-number": ({"a.json": b'{"format": ' + b"9" * 10**6 + b"}"}, 0, ["no-json"]),
    "wrong-types": ({f"{k}.json": edited(**{key: value}) for k, (key, value) in enumerate(TYPES, 10)}, 0,
                    [*["no-submission"] * 2, *["other-format"] * 2, *["no-submission"] * 4, *["no-lesson"] * 4]),
    "points-added": ({"a.json": edited(points=99, score="3/3", status="correct")}, 1, []),
    "unknown-ids": ({"a.json": edited(answers=[["00-1", "b"], ["99-9", "a"], ["\ud800", "x"], ["{key}", "y"]])}, 1,
                    ["unknown-ids"]),
    "half-a-letter": ({"a.json": edited(answers=[["00-1", "b"], ["00-1", "\ud800\0{key}"]], cells=["'\ud800"])}, 1, []),
    "many-answers": ({"a.json": edited(answers=[["00-1", "z" * 500]] * 50_000 + [["00-1", "b"]])}, 1, []),
    "thirty-megabytes": ({"a.json": edited(padding=[[]] * (7 * 10**6))}, 1, []),
    "too-large": ({"a.json": b" " * (33 << 20)}, 0, ["large"]),
    "long": ({"a.json": edited(cells=["x" * 90_000] * 12)}, 0, ["long"]),
    "many-cells": ({"a.json": edited(cells=["x"] * 6000)}, 0, ["long"]),
    "odd-cells": ({"a.ipynb": json.dumps({"cells": CELLS}).encode()}, 1, []),
    "no-cells": ({"a.ipynb": LIST, "b.ipynb": b'{"cells": 5}'}, 0, ["no-lesson", "no-submission"]),
    "pasted-output": ({"a.ipynb": notebook(['ask("00-1", answer="b")', 'check("00-negative", 1)'], [OUTPUT])}, 1,
                      ["claims"]),
    "in-a-zip": ({"a.zip": zipped({"x/y/a.json": ANSWERED})}, 1, []),
    "broken-zip": ({"a.zip": b"PK\x03\x04 no"}, 0, ["broken-zip"]),
    "spoilt-zip": ({"a.zip": SPOILT}, 0, ["broken-zip"]),
    "cut-zip": ({"a.zip": BIG[:-40]}, 0, ["broken-zip"]),
    "strange-zip": ({"a.zip": damaged(BIG)}, 0, ["broken-zip"]),
    "zip-of-tomorrow": ({"a.zip": damaged(BIG, place=6, value=b"\xff")}, 0, ["broken-zip"]),
    "locked-zip": ({"a.zip": damaged(damaged(BIG, place=8, value=b"\x01"), b"PK\x03\x04", 6, b"\x01")}, 0,
                   ["broken-zip"]),
    "zip-in-a-zip": ({"a.zip": zipped({"b.zip": zipped({"a.json": ANSWERED})})}, 1, []),
    "zip-in-a-zip-in-a-zip": ({"a.zip": zipped({"b.zip": zipped({"c.zip": BIG})})}, 0, ["deep-zip"]),
    "zip-that-leads-out": ({"a.zip": zipped({"../../../x.json": ANSWERED, "/etc/y.json": b"1"})}, 1, ["no-submission"]),
    "bomb": ({"a.zip": zipped({f"{k}.json": bytes(99 << 20) for k in range(2)})}, 0, ["large", "large"]),
    "bomb-of-bzip2": ({"a.zip": zipped({"a.json": bytes(99 << 20)}, zipfile.ZIP_BZIP2)}, 0, ["large"]),
    "bomb-of-lzma": ({"a.zip": zipped({"a.json": bytes(99 << 20)}, zipfile.ZIP_LZMA)}, 0, ["large"]),
    "many-in-a-zip": ({"a.zip": zipped({f"{k}.json": b"" for k in range(30_000)})}, 0, ["many-files"]),
    "many-zips": ({"a.zip": zipped({f"{k}.zip": zipped({f"{j}.zip": b"PK" for j in range(30)}) for k in range(30)})}, 0,
                  [*["deep-zip"] * 18, "many-files"]),
    "many-files": ({f"{k:05}.json": b"1" for k in range(10_000)}, 0, ["many-files", *["no-submission"] * 20]),
    "odd-names": ({"{key}\x1b[31m<b>.json": b"1"}, 0, ["no-submission"]),
}  # fmt: skip


def rows(place):
    """(name, points, remarks) of each student."""
    found = [judging.marked(one) for one in gather.handed_in(place)]
    assert all(json.dumps(remark.text, ensure_ascii=False).encode() for (one,) in found for remark in one.remarks)
    assert all(len(text) < 700 for (one,) in found for remark in one.remarks for text in remark.text.values())
    return [(one.student.name, one.points, [remark.slug for remark in one.remarks]) for (one,) in found]


def put(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("slug", FILES)
def test_odd_files_are_a_row_and_the_others_have_their_marks(tmp_path, slug):
    files, points, slugs = FILES[slug]
    put(tmp_path / "Kim", files)
    put(tmp_path / "Honest Lee", {"a.json": ANSWERED})
    before, began = sorted(tmp_path.rglob("*")), time.monotonic()
    assert rows(tmp_path) == [HONEST, ("Kim", points, slugs)]
    assert time.monotonic() - began < 30
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_no_file_is_not_opened(tmp_path):
    put(tmp_path / "Honest Lee", {"a.json": ANSWERED})
    put(tmp_path / "outside", {"secret.json": ANSWERED})
    for name in ("Kim", "Lim", "Nam", "Oh"):
        (tmp_path / name).mkdir()
    (tmp_path / "Kim/a.json").symlink_to(tmp_path / "outside/secret.json")
    os.mkfifo(tmp_path / "Lim/a.json")
    (tmp_path / "Nam/folder").symlink_to(tmp_path / "outside")
    found = rows(tmp_path)
    assert found == [
        HONEST,
        ("Kim", 0, ["link"]),
        ("Lim", 0, ["link"]),
        ("Nam", 0, ["no-file"]),
        ("Oh", 0, ["no-file"]),
        ("outside", 1, []),
    ]


def test_a_file_that_cannot_be_read_is_a_row(tmp_path, monkeypatch):
    put(tmp_path / "Honest Lee", {"a.json": ANSWERED})
    put(tmp_path / "Kim", {"b.json": ANSWERED})
    plain = Path.open

    def opened(path, *given):
        if path.name == "b.json":
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *given)

    monkeypatch.setattr(Path, "open", opened)
    assert rows(tmp_path) == [HONEST, ("Kim", 0, ["no-access"])]


def test_names_that_no_terminal_should_see(tmp_path):
    put(tmp_path / "Honest Lee", {"a.json": ANSWERED})
    put(tmp_path, {b"K\xffim\x1b[2J\nLee".decode("utf-8", "surrogateescape") + "/a.json": ANSWERED})
    assert rows(tmp_path) == [HONEST, ("Kim[2JLee", 1, [])]


def test_a_zip_among_the_files_of_a_class_makes_no_rows_for_others(tmp_path):
    forged = {"Honest Lee_101_assignsubmission_file/a.json": b"1", "Oh_102_assignsubmission_file/a.json": ANSWERED}
    put(tmp_path, {"Kim.zip": zipped(forged), "Honest Lee.json": ANSWERED})
    assert rows(tmp_path) == [HONEST, ("Kim", 1, ["no-submission"])]


def test_ten_thousand_files_of_one_student_in_a_zip_leave_the_others(tmp_path):
    many = {f"Ahn_101_assignsubmission_file/{k}.json": b"" for k in range(25_000)}
    (tmp_path / "all.zip").write_bytes(zipped(many | {"Honest Lee_102_assignsubmission_file/a.json": ANSWERED}))
    assert rows(tmp_path / "all.zip") == [("Ahn", 0, ["many-files", *["no-json"] * 20]), HONEST]


PIECES = (
    *(
        "a",
        "1",
        "(",
        ")",
        "[",
        ",",
        ";",
        " ",
        "-",
        "/",
        "1/",
        "1 ",
        "1e",
        "^",
        "*",
        "√",
        "=",
        "->",
        "not ",
        "or ",
        "so ",
    ),
    *(
        "which is ",
        "because ",
        "0.5 (",
        "\u0301",
        "\u202e",
        "\ud800",
        "한",
        "이다 ",
        "😀",
        "\0",
        "\n",
        "\xa0",
        "ﬁ",
        "½",
        "₂",
    ),
    *(
        "ﷺ",
        "，",
        "…",
        ", ",
        "x_0",
        "10^9",
        "noise ",
        "the ",
        "and ",
        "{0.__class__}",
        "{key}",
        "%s",
        "<b>",
        "백",
        "\u2028",
        "×10",
        "'",
        "\\",
    ),
)


@pytest.mark.parametrize("lesson", quiz.lessons())
def test_hostile_answers_are_marked_at_once_and_never_right(lesson):
    for question in quiz.load(lesson).values():
        right = right_answer(question)
        texts = [(piece * 500)[:size] for piece in PIECES for size in (60, 200, 500)]
        texts += [f"{right}{piece * 40} {right}"[:500] for piece in ("or ", ", not ", "; ", "x")]
        for text in texts:
            began = time.perf_counter()
            try:
                correct = mark(question, text).correct
            except Unreadable:
                correct = False
            assert time.perf_counter() - began < 0.7, text
            assert not correct or right in text or question.kind in ("choice", "several"), text

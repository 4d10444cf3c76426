"""`export`: what it writes and says, and its exit status; what stands in the files, tests/teaching/grading tries."""

import re
import sys
import xml.etree.ElementTree as ET

import pytest
from project import ROOT, run

from course.__main__ import main
from course.teaching import quiz
from course.teaching.grading import moodle, paper
from course.teaching.grading.handouts import handouts


def ids(path):
    """The ids of the questions in a file, in their order."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".xml":
        return [node.text for node in ET.fromstring(text.encode()).iter("idnumber")]
    return re.findall(r"id='q-([\d-]+)'", text)


@pytest.mark.parametrize(("form", "name"), [("moodle", "q.xml"), ("html", "q.html")])
def test_all_lessons_or_those_named(form, name, tmp_path, capsys):
    path = tmp_path / name
    assert main(["export", form, "--lang", "en", "--out", str(path)]) == 0
    every = [id for lesson in quiz.lessons() for id in quiz.load(lesson)]
    assert ids(path) == every
    assert capsys.readouterr().out == f"{len(every)} questions of {len(quiz.lessons())} lessons in {path}\n"
    assert main(["export", form, "02", "--lang", "ko", "--out", str(path)]) == 0
    assert ids(path) == [*quiz.load("02")]
    assert capsys.readouterr().out == f"{len(quiz.load('02'))} questions of 1 lesson in {path}\n"
    assert main(["export", form, "03", "01", "03", "--out", str(path)]) == 0
    assert ids(path) == [*quiz.load("03"), *quiz.load("01")]
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_files_are_those_of_the_room(tmp_path, monkeypatch):
    for lang in ("en", "ko"):
        main(["export", "moodle", "01", "--lang", lang, "--out", str(tmp_path / "a")])
        assert (tmp_path / "a").read_bytes() == moodle.quiz_xml(["01"], lang)
    monkeypatch.setenv("COURSE_LANG", "ko")
    main(["export", "moodle", "01", "--out", str(tmp_path / "b")])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_printed_page_brings_its_font(tmp_path):
    main(["export", "html", "02", "--lang", "en", "--out", str(tmp_path / "a.html")])
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    font = re.search(
        r'@font-face { font-family: "Course Math"; src: url\("data:font/woff;base64,[\w+/=]+"\).*?}\n', page
    )
    assert page.replace(font[0], "") == paper.sheet(["02"], "en")
    assert "http" not in page


@pytest.mark.parametrize("form", ["moodle", "html"])
def test_an_unknown_lesson_is_one_line_and_writes_nothing(form, tmp_path, capsys):
    for lesson in ("77", "2", "02_forward_process"):
        assert main(["export", form, "01", lesson, "--lang", "en", "--out", str(tmp_path / "x")]) == 1
        out, error = capsys.readouterr()
        assert out == ""
        assert error.startswith(f"python -m course export: lesson '{lesson}' has no questions; there are 00, 01, ")
        assert error.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("form", ["moodle", "html"])
def test_a_file_that_cannot_be_written_is_one_line(form, tmp_path, capsys):
    place = tmp_path / "missing" / "x"
    assert main(["export", form, "01", "--lang", "en", "--out", str(place)]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"python -m course export: cannot write {place}: ")
    assert "--out" in error
    assert error.count("\n") == 1


def test_a_language_that_the_course_does_not_speak_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_LANG", "de")
    assert main(["export", "moodle", "--out", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err == "python -m course export: COURSE_LANG is 'de'; the course speaks en and ko\n"


@pytest.mark.parametrize(
    "arguments", [[], ["pdf", "--out", "x"], ["moodle"], ["html", "--lang", "de", "--out", "x"]], ids=" ".join
)
def test_wrong_use_is_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["export", *arguments])
    assert stopped.value.code == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert "see python -m course export --help" in error


def test_the_help_says_where_lessons_stand_and_that_no_moodle_has_tried_it(capsys):
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "it was not tried in a Moodle" in said
    usage = (
        "python -m course export {moodle,html} [NN ...] [--lang {en,ko}] [--variant SECRET --names FILE] --out FILE "
    )
    assert said.startswith(f"usage: {usage}")


@pytest.fixture
def names(tmp_path):
    """A list of a class as an editor on Windows writes it."""
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffKim  Minji\r\n\r\n 김민지 \r\nKim Minji\r\n".encode())
    return path


def test_each_student_of_a_list_gets_a_test(names, tmp_path, capsys):
    out = tmp_path / "a.html"
    line = ["export", "html", "02", "--lang", "en", "--variant", "spring-27", "--names", str(names), "--out", str(out)]
    assert main(line) == 0
    count = len(quiz.load("02"))
    assert capsys.readouterr().out == f"{count} questions of 1 lesson for each of 2 students in {out}\n"
    page = out.read_text(encoding="utf-8")
    font = re.search(r'@font-face { font-family: "Course Math".*?}\n', page)
    assert page.replace(font[0], "") == handouts(["02"], "en", "spring-27", ["Kim Minji", "김민지"])


@pytest.mark.parametrize(
    ("options", "says", "status"),
    [
        (["html", "--variant", "a"], "--variant SECRET and --names FILE go together", 2),
        (["html", "--names", "names.txt"], "--variant SECRET and --names FILE go together", 2),
        (["moodle", "--variant", "a", "--names", "names.txt"], "a question bank has one set of numbers for all", 2),
        (["html", "--variant", "a", "--names", "none.txt"], "cannot read none.txt", 1),
        (["html", "--variant", "a", "--names", "empty.txt"], "empty.txt has no names", 1),
        (["html", "--variant", " ", "--names", "names.txt"], "there is no secret", 1),
        (["html", "--variant", "a", "--names", "latin.txt"], "cannot read latin.txt", 1),
    ],
)
def test_what_does_not_fit_together_is_one_line_and_writes_nothing(
    options, says, status, names, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n  \n")
    (tmp_path / "latin.txt").write_bytes("José".encode("latin-1"))
    assert main(["export", *options, "--lang", "en", "--out", "x"]) == status
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"python -m course export: {says}")
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("form", ["moodle", "html"])
def test_the_learners_own_variant_is_not_exported(form, tmp_path, monkeypatch):
    line = ["export", form, "--lang", "en", "--out"]
    main([*line, str(tmp_path / "a")])
    monkeypatch.setenv("COURSE_VARIANT", "spring-27/Kim Minji")
    main([*line, str(tmp_path / "b")])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("form", ["moodle", "html"])
def test_it_waits_neither_for_torch_nor_for_widgets(form, tmp_path):
    code = (
        f"import sys; from course.__main__ import main; main(['export', '{form}', '--out', r'{tmp_path / 'x'}']); "
        "print({'torch', 'ipywidgets', 'nbconvert'} & {*sys.modules})"
    )
    assert run(sys.executable, "-c", code, cwd=ROOT).stdout.splitlines()[-1] == "set()"

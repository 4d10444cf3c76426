"""`quiz --validate` and `progress`: what they say, and their exit status."""

import re
import shutil
import sys

import pytest
from helpers import answer
from project import ROOT, run

from course.__main__ import main
from course.teaching import events
from course.teaching.overview import overview
from course.teaching.quiz.validate import validate

FILES = sorted((ROOT / "quizzes").glob("*.yaml"))


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """A progress file of this test's own."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "learner" / "progress"))
    return tmp_path / "learner" / "progress"


@pytest.fixture
def broken(tmp_path):
    """A copy of a file with one answer for all: two right ones, on a line that is known."""
    path = tmp_path / FILES[0].name
    text = FILES[0].read_text(encoding="utf-8")
    assert text.count("correct: false") >= 1
    path.write_text(text.replace("correct: false", "correct: true", 1), encoding="utf-8")
    return path


def sound(*paths):
    """What is said of sound files: their number, and what is not written in Korean yet, counted by their text."""
    said = [f"{len(paths)} file{'s' * (len(paths) > 1)}, no fault"]
    every, missing = 0, {}
    for path in paths:
        _, _, exercises = path.read_text(encoding="utf-8").partition("\nexercises:\n")
        texts = re.findall(r"^ +[a-z0-9-]+: {(en: .*)}$", exercises, re.MULTILINE)
        every += len(texts)
        missing[path.stem[:2]] = sum("ko:" not in text for text in texts)
    listed = ", ".join(f"{lesson}: {count}" for lesson, count in missing.items() if count)
    if listed:
        said.append(f"not in Korean yet: {sum(missing.values())} of {every} words of exercises ({listed})")
    return said


def test_the_files_of_the_course_are_sound(capsys):
    assert main(["quiz", "--validate"]) == 0
    said, error = capsys.readouterr()
    assert error == ""
    assert said.splitlines() == sound(*FILES)


def test_named_files_are_checked_and_only_those(broken, capsys):
    assert main(["quiz", "--validate", str(FILES[0])]) == 0
    assert capsys.readouterr().out.splitlines() == sound(FILES[0])
    assert main(["quiz", "--validate", str(FILES[0]), str(broken)]) == 1
    said = capsys.readouterr().out.splitlines()
    answers = FILES[0].read_text(encoding="utf-8").splitlines().index("    answers:") + 1
    assert said == [f"{broken.name}:{answers + 1}: questions.0.answers: exactly one answer must say correct: true"]
    assert said == validate(broken)


def test_each_file_has_its_own_complaints(broken, tmp_path, capsys):
    other = shutil.copy(FILES[0], tmp_path / "77_other.yaml")
    assert main(["quiz", "--validate", str(broken), str(other), str(tmp_path / "none.yaml")]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].rpartition("/")[2] for line in said] == [broken.name, "77_other.yaml", "none.yaml"]


def test_a_missing_file_is_one_line_and_status_1(tmp_path, capsys):
    assert main(["quiz", "--validate", str(tmp_path / "none.yaml")]) == 1
    assert capsys.readouterr().out == f"{tmp_path / 'none.yaml'}: No such file or directory\n"


@pytest.mark.parametrize("arguments", [["quiz"], ["quiz", "a.yaml"], ["quiz", "--check"], ["progress", "02"]])
def test_wrong_use_is_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert f"see python -m course {arguments[0]} --help" in error or "see python -m course --help" in error


def test_no_command_shows_the_help_and_both_commands(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert {"quiz", "progress"} <= {line.split()[0] for line in said.splitlines() if line.strip()}


def test_progress_prints_the_overview_and_where_it_is_kept(kept, capsys):
    assert main(["progress"]) == 0
    assert capsys.readouterr().out == f"{overview([])}\nKept in {kept}\n"
    assert not kept.exists()
    events.note("answer", "02-1", "b", 2, 2)
    assert main(["progress"]) == 0
    said = capsys.readouterr().out
    assert said == f"{overview([answer('02-1', 2)])}\nKept in {kept}\n"
    assert "Go on with lesson 02, Forward process." in said


def test_progress_that_cannot_be_read_is_one_line_and_status_1(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    assert main(["progress"]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"python -m course progress: what you did cannot be kept in {tmp_path}: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", [["progress"], ["quiz", "--validate", str(FILES[0])]])
def test_neither_waits_for_torch(command):
    code = f"import sys; from course.__main__ import main; main({command}); print('torch' in sys.modules)"
    assert run(sys.executable, "-c", code, cwd=ROOT).stdout.splitlines()[-1] == "False"


def test_a_language_that_the_course_does_not_speak_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_LANG", "de")
    assert main(["progress"]) == 1
    assert capsys.readouterr().err == "python -m course progress: COURSE_LANG is 'de'; the course speaks en and ko\n"

"""The command line as a whole: help, wrong use, speed, and what happens to files when writing fails."""

import io
import os
import re
import subprocess
import sys
import time

import nbformat
import pytest
import torch

from course import __version__
from course.__main__ import main, parser
from course.commands import UserError, usable_device, write_out
from course.commands.doctor import Finding


def test_help_shows_an_example_of_each_command(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for command in ("run", "slides", "train", "sample", "doctor"):
        assert f"\n  python -m course {command}" in text


def test_the_examples_of_the_help_can_be_parsed(capsys):
    main([])
    examples = re.findall(r"^  python -m course (.+?)(?:  .*)?$", capsys.readouterr().out, re.MULTILINE)
    commands = [parser().parse_args(example.split()).command for example in examples]
    assert set(commands) == {"run", "slides", "train", "sample", "progress", "doctor"}


def test_help_takes_under_a_second_and_imports_no_torch():
    start = time.perf_counter()
    help_ = [sys.executable, "-X", "importtime", "-m", "course", "--help"]
    done = subprocess.run(help_, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    assert done.returncode == 0
    assert not re.search(r"\|\s+(torch|numpy|matplotlib|nbclient|IPython)$", done.stderr, re.MULTILINE)
    assert seconds < 1


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"noise-to-images {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["smaple"],
            "'progress', 'variant', 'submit', 'grade', 'export'|progress, variant, submit, grade, export",
        ),
        (["sample", "digits", "--out", "x.png", "--sampler", "euler"], "ddim.*ddpm"),
        (["sample", "digits", "--out", "x.png", "--schedule", "sigmoid"], "linear.*scaled_linear.*cosine"),
        (["sample", "digits", "--out", "x.png", "-n", "0"], "whole number from 1 to"),
        (["sample", "digits", "--out", "x.png", "--steps", "1001"], "from 1 to 1000"),
        (["sample", "digits", "--out", "x.png", "--steps", "ten"], "whole number.*'ten'"),
        (["sample", "digits", "--out", "x.png", "--eta", "2"], "number from 0 to 1"),
        (["sample", "digits", "--out", "x.png", "--eta", "nan"], "number from 0 to 1"),
        (["sample", "digits"], "--out"),
        (["sample", "runs/a", "--out", "x.png", "--label", "-1"], "whole number from 0"),
        (["sample", "runs/a", "--out", "x.png", "--scale", "nan"], "number from 0 to 100"),
        (["train", "--data", "digits"], "--out"),
        (["run", "--budget", "tiny"], "quick.*full"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments, says, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(says, error)


def test_a_bug_is_not_hidden(monkeypatch):
    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr("course.commands.doctor.findings", broken)
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])


def test_a_missing_package_is_one_line_that_names_doctor(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)  # makes `import torch` raise ModuleNotFoundError
    assert main(["sample", "digits", "--out", str(tmp_path / "x.png")]) == 1
    error = capsys.readouterr().err
    assert "torch" in error
    assert "doctor" in error
    assert error.count("\n") == 1


def test_output_cut_off_by_the_reader_is_no_traceback():
    program = """
import sys
from course import __main__
from course.commands import doctor
doctor.findings = lambda: [doctor.Finding("a", "ok", "b")]
sys.exit(__main__.main(["doctor"]))
"""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


TRAIN = "train --data digits --width 8 --batch 8 --steps 1 --device cpu --out run"


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("line", ["", "--help", "quiz --validate", "progress", TRAIN])
def test_a_reader_that_has_gone_is_no_fault_of_the_command(line, at_once, tmp_path, monkeypatch, capsys):
    """Whether the output is written line by line or at the end."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr("course.commands.train._draw", lambda *arguments: None)
    monkeypatch.setattr("course.commands.train._report", lambda *arguments: None)
    monkeypatch.chdir(tmp_path)
    with io.TextIOWrapper(open(writer, "wb", 0 if at_once else -1), write_through=at_once) as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        try:
            status = main(line.split())
        except SystemExit as stopped:  # argparse has shown its help, and does not mind
            status = stopped.code
        monkeypatch.undo()
    assert status == 1 or line in ("", "--help")
    assert "python -m course" not in capsys.readouterr().err


def notebook(folder):
    """A notebook that prints, in a folder whose name no Western code page has."""
    folder.mkdir()
    cell = nbformat.v4.new_code_cell("print('잡음')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "수업.ipynb")
    return str(folder)


LINES = {
    "sample": lambda folder: ["sample", "digits", "-n", "4", "--steps", "2", "--out", str(folder / "é강.png")],
    "doctor": lambda folder: ["doctor"],
    "quiz": lambda folder: ["quiz", "--validate", str(folder / "é강.yaml")],
    "progress": lambda folder: ["progress"],
    "train": lambda folder: [*TRAIN.split()[:-1], str(folder / "é강")],
    "run": lambda folder: ["run", notebook(folder / "é강"), "--out", str(folder / "é강" / "pages")],
}


@pytest.mark.parametrize("encoding", ["cp949", "cp1252", "ascii"])
@pytest.mark.parametrize("command", LINES)
def test_a_console_that_lacks_letters_undoes_nothing(command, encoding, tmp_path, monkeypatch):
    """Each encoding lacks one of the two letters, or both; a question mark stands for it then."""
    out, error = (io.TextIOWrapper(io.BytesIO(), encoding, errors="strict") for _ in range(2))
    monkeypatch.setattr("course.commands.doctor.findings", lambda: [Finding("disk", "ok", "é강")])
    monkeypatch.setattr("course.commands.train._draw", lambda *arguments: None)
    monkeypatch.setattr("course.commands.train._report", lambda *arguments: None)
    monkeypatch.setenv("COURSE_LANG", "ko")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "é강.sqlite3"))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", error)
    status = main(LINES[command](tmp_path))
    said = [stream.flush() or stream.buffer.getvalue().decode(encoding) for stream in (out, error)]
    monkeypatch.undo()
    assert status == (command == "quiz"), said  # there is no such file, and that is what it says
    assert "é강".encode(encoding, "replace").decode(encoding) in said[0]


def test_write_out_writes_and_leaves_nothing_beside(tmp_path):
    write_out(tmp_path / "a", b"one")
    write_out(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file to fill up a disk with")
def test_a_full_disk_keeps_the_old_file_and_leaves_nothing_half(tmp_path):
    import resource

    write_out(tmp_path / "a", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the next byte fails in the middle of the write
    try:
        with pytest.raises(UserError, match=r"cannot write .*a: .*--out"):
            write_out(tmp_path / "a", b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_that_another_process_holds_is_one_line_and_stays(tmp_path, monkeypatch):
    """As a checkpoint that is mapped into memory, on Windows: it cannot be replaced then."""

    def held(path, target):
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    write_out(tmp_path / "a", b"old")
    monkeypatch.setattr("pathlib.Path.replace", held)
    with pytest.raises(UserError, match=r"cannot write .*a: The process .* another process; .*--out"):
        write_out(tmp_path / "a", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


def test_a_place_that_cannot_be_written_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "missing" / "a", tmp_path / "file" / "a"):
        with pytest.raises(UserError, match="cannot write") as caught:
            write_out(place, b"x")
        assert "\n" not in str(caught.value)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        write_out(tmp_path / "folder", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has that device")
@pytest.mark.parametrize("name", ["mps", "mps:0", "xla", "nonsense", "cuda:99", "meta", ""])
def test_a_device_that_is_not_here_is_one_short_line(name):
    if not name:
        assert usable_device(name).type in ("cpu", "cuda")  # the best there is
        return
    with pytest.raises(UserError, match=f"the device {name} cannot be used here; there is cpu") as caught:
        usable_device(name)
    assert len(str(caught.value)) < 160
    if not torch.cuda.is_available():
        assert str(caught.value) == f"the device {name} cannot be used here; there is cpu"

"""`sample`: real draws, opened again and compared with the scans they should copy."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from course.__main__ import main
from course.data import load


def draw(folder, *more, name="grid.png", source="digits"):
    """Draw 6 pictures in 20 steps (enough for copies), and return the path of the grid."""
    path = folder / name
    assert main(["sample", source, "--steps", "20", "-n", "6", "--out", str(path), *more]) == 0
    return path


def tiles(path, size, columns, n):
    """The pictures of a grid, back in [-1, 1], read off at the middle of each enlarged pixel: (n, size, size)."""
    canvas = np.asarray(Image.open(path).convert("L"), dtype=float) / 127.5 - 1
    scale = round(canvas.shape[1] / (columns * (size + 1) - 1))
    canvas = canvas[scale // 2 :: scale, scale // 2 :: scale]
    step = size + 1
    places = [(k // columns * step, k % columns * step) for k in range(n)]
    return torch.from_numpy(np.stack([canvas[top : top + size, left : left + size] for top, left in places]))


@pytest.mark.parametrize(("source", "size"), [("digits", 8), ("mnist_mini", 28)])
def test_the_grid_holds_real_scans(tmp_path, source, size):
    path = draw(tmp_path, source=source)
    drawn = tiles(path, size, columns=3, n=6)
    scans = load(source, "all")[0].double().flatten(1)
    apart = torch.cdist(drawn.flatten(1), scans).min(1).values / size
    assert apart.max() < 0.02  # rms per pixel: eight bits, but the scan can be told
    width, height = Image.open(path).size
    assert 450 < width <= 600
    assert height == width * 2 // 3 or abs(height / width - 2 / 3) < 0.03


def test_same_seed_same_bytes_another_seed_others(tmp_path):
    one, same, other = draw(tmp_path), draw(tmp_path, name="b.png"), draw(tmp_path, "--seed", "1", name="c.png")
    assert one.read_bytes() == same.read_bytes()
    assert one.read_bytes() != other.read_bytes()


def test_eta_and_schedule_change_the_pictures(tmp_path):
    choices = ([], ["--eta", "1"], ["--schedule", "cosine"], ["--schedule", "scaled_linear"])
    drawn = [draw(tmp_path, "--steps", "5", *more, name=f"{k}.png").read_bytes() for k, more in enumerate(choices)]
    assert len(set(drawn)) == len(choices)
    assert draw(tmp_path, "--steps", "5", "--eta", "0", name="zero.png").read_bytes() == drawn[0]  # the default
    # two samplers without a common line of code: what `--sampler` picks draws what theory says
    assert draw(tmp_path, "--steps", "5", "--sampler", "ddpm", name="ddpm.png").read_bytes() == drawn[1]


def test_the_animation_goes_from_noise_to_the_grid(tmp_path):
    path = draw(tmp_path, "--gif", str(tmp_path / "walk.gif"))
    walk = Image.open(tmp_path / "walk.gif")
    assert walk.n_frames == 21  # x_T, and a state for each step
    first = np.asarray(walk.convert("L"), dtype=float)
    walk.seek(20)
    last = np.asarray(walk.convert("L"), dtype=float)
    grid = np.asarray(Image.open(path).convert("L").resize(walk.size, Image.Resampling.NEAREST), dtype=float)
    assert np.abs(last - grid).mean() < 4 < np.abs(first - grid).mean()


def test_a_long_walk_keeps_the_animation_short(tmp_path):
    gif = tmp_path / "walk.gif"
    assert (
        main(["sample", "digits", "--steps", "250", "-n", "1", "--out", str(tmp_path / "a.png"), "--gif", str(gif)])
        == 0
    )
    assert 70 < Image.open(gif).n_frames <= 100


def test_it_says_what_it_wrote_and_that_these_are_copies(tmp_path, capsys):
    path = draw(tmp_path)
    said = capsys.readouterr().out
    assert re.match(rf"6 pictures out of noise, 20 steps of ddim, \d+\.\d s: {re.escape(str(path))}\n", said)
    assert "6 of them are copies of a scan in digits" in said
    draw(tmp_path, "--steps", "1")  # one step gives the mean of all scans
    assert "0 of them are copies" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        (["--out", "missing/grid.png"], "the folder missing does not exist", 2),
        (["--out", "grid.jpg"], "must end in .png", 2),
        (["--out", "grid.png", "--gif", "walk.png"], "must end in .gif", 2),
        (["--out", "folder.png"], "is a folder", 2),
        (["--out", "grid.png", "--sampler", "ddpm", "--eta", "0.5"], "--eta is the noise of ddim", 2),
    ],
)
def test_wrong_places_are_one_line_and_write_nothing(tmp_path, monkeypatch, capsys, arguments, says, status):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    assert main(["sample", "digits", "-n", "1", "--steps", "1", *arguments]) == status
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_a_disk_without_room_is_one_line_and_status_1(tmp_path, monkeypatch, capsys):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["sample", "digits", "-n", "1", "--steps", "1", "--out", str(tmp_path / "grid.png")]) == 1
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_scans_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("course.env.PACKAGE", tmp_path / "course")
    assert main(["sample", "mnist_mini", "--out", str(tmp_path / "grid.png")]) == 1
    assert "data/mnist_mini.npz" in capsys.readouterr().err

"""`sample`: real draws, opened again and compared with the scans they should copy."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from broken import NO_CHECKPOINT, pickled
from helpers import ALL, open_up
from PIL import Image

import course
from course.__main__ import main
from course.commands import sample as command
from course.data import SPLITS, load
from course.data.sets import LOCAL
from course.models import cfg
from course.nets import MLP, Classifier, UNet
from course.samplers import ancestral, ddim, ddpm, langevin, last, reverse_sde
from course.schedules import cosine, linear
from course.training.card import Card
from course.training.checkpoints import TABLE, describe, load_model, pretrained, save, save_model
from course.training.run import CHECKPOINT


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folders as `train` leaves them, with random weights: of a network with three labels, and of one with none."""
    folders = {}
    for name, classes in {"labels": 3, "none": 0}.items():
        net = open_up(UNet(1, 8, num_classes=classes))
        with torch.no_grad():
            net.out.weight.mul_(0.2)  # or guidance would end in pictures of black and white alone
        card = Card(net=describe(net), schedule="cosine", prints="v", shape=(1, 8, 8))
        folders[name] = tmp_path_factory.mktemp(name)
        tensors = {f"ema.{key}": x for key, x in net.state_dict().items()}
        save(folders[name] / CHECKPOINT, {**tensors, TABLE: cosine().alpha_bar}, card)
    return folders


def draw(folder, *more, name="grid.png", source="digits-exact"):
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
    path = draw(tmp_path, source=f"{source}-exact")
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
        main(
            ["sample", "digits-exact", "--steps", "250", "-n", "1", "--out", str(tmp_path / "a.png"), "--gif", str(gif)]
        )
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
        (["--out", "grid.png", "--label", "3"], "--label and --scale are for networks", 2),
        (["--out", "grid.png", "--scale", "2"], "--label and --scale are for networks", 2),
        (["--out", "grid.png", "--device", "nonsense"], "the device nonsense cannot be used here", 1),
    ],
)
def test_wrong_places_are_one_line_and_write_nothing(tmp_path, monkeypatch, capsys, arguments, says, status):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    assert main(["sample", "digits-exact", "-n", "1", "--steps", "1", *arguments]) == status
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_a_disk_without_room_is_one_line_and_status_1(tmp_path, monkeypatch, capsys):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["sample", "digits-exact", "-n", "1", "--steps", "1", "--out", str(tmp_path / "grid.png")]) == 1
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_scans_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("course.env.PACKAGE", tmp_path / "course")
    assert main(["sample", "mnist_mini-exact", "--out", str(tmp_path / "grid.png")]) == 1
    assert "data/mnist_mini.npz" in capsys.readouterr().err


def test_digits_is_the_network_and_digits_exact_the_scans(tmp_path, capsys):
    drawn = tiles(draw(tmp_path, "--label", "7", source="digits"), 8, columns=3, n=6)
    assert "copies" not in capsys.readouterr().out
    model, schedule, _ = pretrained("digits")
    noise = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    x = last(ddim(model, schedule, noise, schedule.grid(20), cond=torch.full((6,), 7)))[:, 0].double().clamp(-1, 1)
    torch.testing.assert_close(drawn, x, rtol=0, atol=1.01 / 127.5)  # eight bits
    with pytest.raises(SystemExit, match="0"):
        main(["sample", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "a network that comes with the course (digits, mnist, cifar10" in said
    assert "digits-exact, mnist_mini-exact: the exact denoiser of those scans" in said
    assert "--sampler NAME ddim, ddpm, langevin, ancestral, reverse_sde (default ddim)" in said
    assert "linear, scaled_linear, cosine, flow (default linear)" in said


def test_the_names_are_those_of_the_rooms(monkeypatch, tmp_path):
    """What the rooms offer can be asked for, nothing else, and what is new at once."""
    walks = (ddim, ddpm, langevin, ancestral, reverse_sde)
    assert command.samplers() == {walk.__name__: walk for walk in walks}
    assert command.noises().keys() == ALL.keys()
    assert list(command.exact()) == ["digits-exact", "mnist_mini-exact"]
    monkeypatch.setattr(course.samplers, "euler", partial_ddim, raising=False)
    monkeypatch.setattr(course.schedules, "short", lambda T=1000: linear(300), raising=False)
    old = draw(tmp_path, "--sampler", "ddim")
    assert draw(tmp_path, "--sampler", "euler", name="b.png").read_bytes() == old.read_bytes()
    assert draw(tmp_path, "--schedule", "short", name="c.png").read_bytes() != old.read_bytes()
    for option, wrong in (("--sampler", "invert"), ("--sampler", "last"), ("--schedule", "health")):
        with pytest.raises(SystemExit, match="2"):
            draw(tmp_path, option, wrong, name="d.png")
    assert main(["sample", "digits-exact", "--sampler", "euler", "--eta", "1", "--out", str(tmp_path / "d.png")]) == 2
    assert not (tmp_path / "d.png").exists()


def partial_ddim(model, schedule, x_T, grid, cond=None, generator=None):
    """A sampler that is new to the room."""
    yield from ddim(model, schedule, x_T, grid, cond)


def test_a_network_and_a_set_that_are_new_are_found(monkeypatch, tmp_path, capsys):
    net = open_up(UNet(1, 8))
    (tmp_path / "shipped" / "data" / "checkpoints").mkdir(parents=True)
    save_model(tmp_path / "shipped/data/checkpoints/new.safetensors", net, cosine(), Card(shape=(1, 8, 8)))
    monkeypatch.setattr("course.training.checkpoints.shipped", lambda path: tmp_path / "shipped" / path)
    assert draw(tmp_path, source="new").exists()
    monkeypatch.setitem(LOCAL, "blank", (lambda split: (torch.zeros(9, 1, 4, 4), torch.zeros(9)), ("all",)))
    monkeypatch.setitem(SPLITS, "blank", ("all",))
    draw(tmp_path, source="blank-exact", name="blank.png")
    assert "6 of them are copies of a scan in blank (" in capsys.readouterr().out


# Networks


@pytest.mark.parametrize(
    "wish", [[], ["--label", "2"], ["--label", "2", "--scale", "3"], ["--label", "0", "--scale", "0"]]
)
def test_a_network_draws_what_its_model_and_the_sampler_say(tmp_path, trained, wish):
    path = draw(tmp_path, *wish, source=str(trained["labels"]))
    drawn = tiles(path, 8, columns=3, n=6)
    model, schedule, _ = load_model(trained["labels"] / CHECKPOINT)
    assert schedule.alpha_bar.equal(cosine().alpha_bar)
    cond = torch.full((6,), int(wish[1])) if wish else None
    guided = cfg(model, float(wish[3]) if len(wish) > 2 else 1.0)
    noise = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    x = last(ddim(guided, schedule, noise, schedule.grid(20), cond=cond))[:, 0].double().clamp(-1, 1)
    assert x.std() > 0.1
    torch.testing.assert_close(drawn, x, rtol=0, atol=1.01 / 127.5)  # eight bits


def test_label_and_scale_change_the_pictures_and_the_file_does_as_well_as_its_folder(tmp_path, trained):
    source = str(trained["labels"])
    wishes = [], ["--label", "0"], ["--label", "1"], ["--label", "1", "--scale", "2"], ["--seed", "4"]
    drawn = [draw(tmp_path, *more, name=f"{k}.png", source=source).read_bytes() for k, more in enumerate(wishes)]
    assert len(set(drawn)) == len(wishes)
    by_file = draw(tmp_path, name="file.png", source=str(trained["labels"] / CHECKPOINT))
    assert by_file.read_bytes() == drawn[0]
    one = draw(tmp_path, "--label", "1", "--scale", "1", name="one.png", source=source)
    assert one.read_bytes() == drawn[2]


def test_a_network_claims_no_copies_and_animates(tmp_path, trained, capsys):
    draw(tmp_path, "--gif", str(tmp_path / "walk.gif"), source=str(trained["none"]))
    assert "copies" not in capsys.readouterr().out
    assert Image.open(tmp_path / "walk.gif").n_frames == 21


@pytest.mark.parametrize(
    ("which", "wish", "says", "status"),
    [
        ("none", ["--label", "0"], "this network knows no labels", 2),
        ("labels", ["--label", "3"], "this network knows the labels 0 to 2", 2),
        ("labels", ["--scale", "2"], "--scale guides towards a label; name it with --label", 2),
        ("labels", ["--schedule", "linear"], "leave --schedule away", 2),
        ("labels", ["--device", "nonsense"], "the device nonsense cannot be used here", 1),
        ("labels", ["--device", "cuda:99"], "the device cuda:99 cannot be used here", 1),
    ],
)
def test_a_network_is_asked_for_what_it_cannot_do(tmp_path, trained, capsys, which, wish, says, status):
    out = tmp_path / "grid.png"
    assert main(["sample", str(trained[which]), "-n", "1", "--steps", "1", "--out", str(out), *wish]) == status
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not out.exists()


def broken_sources(folder):
    """Sources that hold no model: (name, what is said, status)."""
    (folder / "folder").mkdir()
    yield (
        "cats",
        r"neither a folder nor a file of `train`, .*cifar10, digits, mnist; .* digits-exact, mnist_mini-exact$",
        2,
    )
    yield "folder", "cannot be read", 1
    for name, content in NO_CHECKPOINT.items():
        (folder / name).write_bytes(content)
        yield name, "is no checkpoint of this course", 1
    (folder / "pickle").write_bytes(pickled(folder))
    yield "pickle", "is no checkpoint of this course", 1
    net = Classifier(1, 4)
    save(folder / "classifier", net.state_dict(), Card(net=describe(net)))
    yield "classifier", "holds no diffusion model", 1
    net = UNet(1, 8)
    card = Card(net=describe(net), schedule="cosine", prints="v")
    save(folder / "shapeless", net.state_dict(), card)
    yield "shapeless", r"draws no pictures: .* shape \(\)", 2
    save_model(folder / "points", MLP(2, 8), cosine(), Card(shape=(2,)))
    yield "points", r"draws no pictures: .* shape \(2,\)", 2
    save(folder / "other", net.state_dict(), replace(card, net=describe(UNet(1, 16))))
    yield "other", "another architecture than its card says", 1
    save(folder / "unknown", net.state_dict(), replace(card, net={"kind": "Transformer"}))
    yield "unknown", "names no network of this course", 1
    save(folder / "planned", {}, replace(card, shape=(1, 8, 8)))
    yield "planned", "no step|not trained|nothing yet|no weights|another architecture", 1


@pytest.mark.parametrize(
    "name",
    ["cats", "folder", *NO_CHECKPOINT, "pickle", "classifier", "shapeless", "points", "other", "unknown", "planned"],
)
def test_a_source_that_holds_no_model_is_one_line(tmp_path, monkeypatch, capsys, name):
    known = {source: (says, status) for source, says, status in broken_sources(tmp_path)}
    monkeypatch.chdir(tmp_path)
    assert main(["sample", name, "-n", "1", "--steps", "1", "--out", "grid.png"]) == known[name][1]
    error = capsys.readouterr().err
    assert re.search(known[name][0], error)
    assert error.count("\n") == 1
    assert not (tmp_path / "grid.png").exists()
    assert not (tmp_path / "trap").exists()

"""The stored networks and runs of the Further notebooks are what their cells make; what they say holds on new seeds."""

import json

import pytest
import torch
from project import ROOT, module

from course.data import DataError, load
from course.env import seeded
from course.training.checkpoints import read

NETWORKS = ("gan", "gan-noise", "vae", "diffusion")


@pytest.fixture(scope="module")
def maker():
    return module(ROOT / "tools/lessons/01.py")


@pytest.fixture(scope="module")
def stored():
    return json.loads((ROOT / "data/lessons/01.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def points(maker):
    """The names of the notebook on GAN, VAE and diffusion."""
    return maker.gan_vae()


@pytest.fixture(scope="module")
def learning(maker):
    """The names of the notebook on learning with noise, up to its trainings."""
    return maker.run_cells("01_noise_and_learning", "imports", "helpers", "networks", "learn-run", "recipes")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_card_describes_its_networks(maker, name):
    tensors, card = read(ROOT / f"data/lessons/01-{name}.safetensors")
    assert tuple(card.net["parts"]) == maker.SHIPPED[name]
    expected = {}
    for part, sizes in card.net["parts"].items():
        for k in range(len(sizes) - 1):
            expected[f"{part}.weights.{k}"] = (card.net["count"], sizes[k], sizes[k + 1])
            expected[f"{part}.biases.{k}"] = (card.net["count"], 1, sizes[k + 1])
    assert {key: tuple(x.shape) for key, x in tensors.items()} == expected
    assert card.recipe["steps"] == maker.UPDATES
    assert card.seconds > 1


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_are_those_of_the_stored_runs(maker, points, stored, name, monkeypatch):
    """But for their rounding to float16, which moves a point by a hundredth or so."""
    monkeypatch.setenv("COURSE_BUDGET", "quick")
    made = maker.points(points, name, points["trained"](name, None), torch.randn(5, 2000, 2, generator=seeded(2)))
    hit, inside, uneven = points["count_blobs"](made)
    noise = {key: row[:5] for key, row in stored["noise"].get(name, {}).items()}  # the first seed of three
    run = noise or stored["updates"][name][str(maker.UPDATES)]
    assert hit.tolist() == run["hit"]
    assert inside.tolist() == pytest.approx(run["inside"], abs=0.01)
    assert uneven.tolist() == pytest.approx(run["uneven"], abs=0.01)


def test_the_full_run_trains(points, monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "full")
    asked = []
    assert points["trained"]("gan", lambda updates, seed: asked.append((updates, seed))) is None
    assert asked == [(1500, 1)]


def test_the_stored_recipes_are_those_of_the_notebook(learning, stored):
    assert stored["recipes"].keys() == learning["RECIPES"].keys()
    assert {len(gains) for gains in stored["recipes"].values()} == {30, 15}


def test_the_best_decoder_weighs_by_the_posterior(maker, points):
    """Of an encoder that leaves points as they are, with a std of 1, and of two points: by hand."""
    source, names = maker.cell("01_gan_vae", "vae-run"), dict(points)
    exec(source[source.index("@torch.no_grad()") : source.index("\n\nmade[")], names)
    x = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]])

    def encoder(seen):
        return torch.cat([seen[..., :2], torch.zeros_like(seen[..., :2])], -1)  # mean x, log variance 0

    z = torch.tensor([[[0.0, 5.0], [0.5, 0.0]]])
    found = names["belongs"](z, x, encoder) @ x
    assert found[0, :, 0].tolist() == pytest.approx([0, torch.tensor(0.5).tanh().item()], abs=1e-6)


@pytest.mark.slow
def test_noise_before_the_discriminator_helps_a_gan_cover(maker, points):
    """And without it the discriminator knows what is left out."""
    without, noisy = (maker.measured(points, name, 1500, seed=4) for name in ("gan", "gan-noise"))
    assert noisy["hit"].count(8) >= without["hit"].count(8)
    assert sum(noisy["uneven"]) < sum(without["uneven"])
    assert min(without["uneven"]) > 0.15


@pytest.mark.slow
@pytest.mark.parametrize(("updates", "inside"), [(800, 0.33), (1500, 0.62)])
def test_the_vae_gets_better_with_more_updates(maker, points, updates, inside):
    run = maker.measured(points, "vae", updates, seed=4)
    assert run["hit"] == [8] * 5
    assert sum(run["inside"]) / 5 == pytest.approx(inside, abs=0.06)


@pytest.mark.slow
def test_a_decoder_that_trains_on_gets_nearer_to_the_best_for_its_encoder(points, monkeypatch):
    """4,500 updates more with the encoder as it is; the best possible decoder puts 0.84 inside."""
    monkeypatch.setenv("COURSE_BUDGET", "quick")
    parts, g = points["trained"]("vae", None), seeded(4)
    encoder, decoder = parts["encoder"], parts["decoder"]
    optimiser = points["adam"](3e-3, decoder)
    for k in range(4500):
        optimiser.param_groups[0]["lr"] = 3e-3 * (1 - k / 4500)
        x = points["ring"](points["BATCH"], g)
        with torch.no_grad():
            mean, log_variance = encoder(points["waves"](x)).chunk(2, -1)
        z = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=g)
        points["update"](optimiser, (decoder(z) - x).square().sum(-1).mean(1).sum() / (2 * points["BLOB_STD"] ** 2))
    with torch.no_grad():
        inside = points["count_blobs"](decoder(torch.randn(5, 2000, 2, generator=seeded(2))))[1]
    assert inside.mean().item() == pytest.approx(0.75, abs=0.02)


@pytest.mark.slow
def test_diffusion_covers_evenly_on_another_seed(maker, points):
    run = maker.measured(points, "diffusion", 1500, seed=4)
    assert run["hit"] == [8] * 5
    assert max(run["uneven"]) < 0.1
    assert sum(run["inside"]) / 5 == pytest.approx(0.92, abs=0.02)


@pytest.mark.slow
def test_the_gain_by_noise_depends_on_the_recipe(learning):
    found = learning["recipe_gains"](seeds=(5, 6, 7))
    gains = {name: sum(row) / len(row) for name, row in found.items()}
    assert gains["as above"] == pytest.approx(0.016, abs=0.01)
    assert gains["std 0.5"] == pytest.approx(0.02, abs=0.01)
    assert gains["std 0.25"] < gains["std 0.5"]
    assert gains["std 1.5"] < gains["as above"]
    assert all(0 < gain < 0.03 for name, gain in gains.items() if name != "std 1.5")


@pytest.mark.slow
def test_images_that_the_denoiser_never_saw_give_the_same_errors(maker):
    """Of MNIST's test set, where it lies; elsewhere nothing can be said."""
    try:
        unseen, _ = load("mnist", "test")
    except DataError as error:
        pytest.skip(str(error))
    names = maker.run_cells("01_noise_and_learning", "imports", "helpers", "denoise", "net-run")
    known, names["images"] = dict(names["after"]), unseen[:200]
    source = maker.cell("01_noise_and_learning", "net-run")
    exec(source[source.index("corrupted = {") :], names)
    assert names["after"] == pytest.approx(known, abs=0.02)

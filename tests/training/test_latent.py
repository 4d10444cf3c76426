"""Training the small Stable Diffusion: its autoencoder, the latents, and what is trained on them."""

from itertools import islice

import pytest
import torch
from helpers import normal, refused, seeded
from trainings import finish, fresh_tiny_sd, weights

from course import scenes
from course.pipelines import tiny_sd as latent
from course.pipelines import token_ids
from course.samplers import ddim, last
from course.schedules import scaled_linear
from course.training.latent import (
    Latents,
    _crowded,
    _edges,
    drawn_scenes,
    encode_scenes,
    latent_batches,
    sharpen_autoencoder,
    train_autoencoder,
    train_text_to_latent,
    windows,
)
from course.training.loop import Diverged

PROMPT = "a large red circle on a white background"


@pytest.fixture(scope="module")
def pipe():
    return fresh_tiny_sd()


@pytest.fixture(scope="module")
def some():
    """Forty scenes as a fresh autoencoder sees them."""
    (found,) = encode_scenes(fresh_tiny_sd(1).vae, 40)
    return found


def equal(a, b):
    return all(x.equal(y) for x, y in zip(a, b, strict=True))


# The autoencoder's training


def test_an_autoencoder_stopped_and_resumed_is_the_one_that_was_not():
    whole, states = fresh_tiny_sd().vae, {}
    for report in train_autoencoder(whole, 4, batch=1):
        states[report.step] = report.state()
        assert 0 < report.loss < 20
    assert [*states] == [1, 2, 3, 4]
    for stop in (1, 3):
        again = fresh_tiny_sd(9).vae
        end = finish(train_autoencoder(again, 4, batch=1, state=states[stop]))
        assert equal(weights(again), weights(whole))
        assert equal(weights(end.ema), weights(report.ema))
        assert (end.step, end.loss) == (4, report.loss)
    assert not equal(weights(whole), weights(fresh_tiny_sd().vae))


def test_a_sharpening_stopped_and_resumed_is_the_one_that_was_not():
    whole, states = fresh_tiny_sd().vae, {}
    for report in sharpen_autoencoder(whole, 2, batch=5):
        states[report.step] = report.state()
    again = fresh_tiny_sd(9).vae
    finish(sharpen_autoencoder(again, 2, batch=5, state=states[1]))
    assert equal(weights(again), weights(whole))


def test_a_crowd_is_mostly_two_things_and_half_of_these_inside():
    crowd = _crowded(20, seeded(0))
    assert len(crowd) == 20
    assert sum(len(scene.things) == 2 for scene in crowd) == 16
    assert sum(scene.relation == "inside" for scene in crowd) == 8


def test_an_edge_is_where_two_colours_meet():
    x = torch.full((1, 3, 8, 8), -1.0)
    x[..., 4:] = 1.0
    assert torch.equal(_edges(x)[0, 0].nonzero()[:, 1].unique(), torch.tensor([3, 4]))
    assert not _edges(torch.zeros(1, 3, 8, 8)).any()


@pytest.mark.parametrize("lone", [2, 4])
def test_every_so_many_lots_show_one_thing(lone):
    lots = [{len(scene.things) for scene in some} for some, _ in drawn_scenes(1000, 0, 125, lone)]
    assert lots == [{1} if k % lone == 0 else {2} for k in range(8)]


def test_the_seed_decides_what_the_autoencoder_learns():
    ends = []
    for seed in (0, 0, 1):
        net = fresh_tiny_sd().vae
        finish(train_autoencoder(net, 2, batch=1, seed=seed))
        ends.append(weights(net))
    assert equal(ends[0], ends[1])
    assert not equal(ends[0], ends[2])


@pytest.mark.slow
def test_the_autoencoder_learns():
    net = fresh_tiny_sd().vae
    losses = [report.loss for report in train_autoencoder(net, 40, batch=2, lr=5e-3)]
    assert sum(losses[20:30]) < 0.8 * sum(losses[:10])


def test_an_autoencoder_that_diverges_says_so():
    net = fresh_tiny_sd().vae
    with torch.no_grad():
        net.decoder.conv_out.bias[0] = float("nan")
    with refused(Diverged, "nan near step 1: a smaller learning rate"):
        next(train_autoencoder(net, 2, batch=1))


def test_windows_are_parts_of_their_pictures_where_things_are():
    some = scenes.random_scenes(60, things=1, generator=seeded())
    x = scenes.draw(some, seeded())
    parts = windows(x, 32, seeded())
    assert parts.shape == (60, 3, 32, 32)
    assert parts.equal(windows(x, 32, seeded()))
    for part, whole in zip(parts, x, strict=True):
        corners = [(i, j) for i in range(0, 33, 8) for j in range(0, 33, 8)]
        assert any(whole[:, i : i + 32, j : j + 32].equal(part) for i, j in corners)
    ground = x[:, :, :1, :1]
    shown = ((parts - ground).abs().sum(1) > 0.1).float().mean()
    assert shown > 1.3 * ((x - ground).abs().sum(1) > 0.1).float().mean()


# The latents, and what is trained on them


def test_encoding_is_repeated_exactly_and_by_seed(some):
    vae = fresh_tiny_sd(1).vae
    (again,) = encode_scenes(vae, 40)
    assert (some.mean.shape, some.std.shape) == ((40, 4, 8, 8), (40, 4, 8, 8))
    assert again.mean.equal(some.mean)
    assert again.std.equal(some.std)
    assert again.scenes == some.scenes
    assert not some.mean.requires_grad
    (other,) = encode_scenes(vae, 40, seed=1)
    assert other.scenes != some.scenes
    assert not any(map(scenes.held_out, some.scenes))
    assert (some.std > 0).all()


def test_what_is_encoded_is_what_is_drawn():
    vae = fresh_tiny_sd(1).vae
    parts = list(encode_scenes(vae, 260))
    assert sum(len(part.scenes) for part in parts) == 260
    assert len({str(scene) for part in parts for scene in part.scenes}) > 150  # no part repeats another
    (chosen, generator), *_ = drawn_scenes(40)
    with torch.no_grad():
        q = vae.encode(scenes.draw(chosen, generator)).latent_dist
    (found,) = encode_scenes(vae, 40)
    assert q.mean.equal(found.mean)


def test_batches_are_those_of_seed_and_step(pipe, some):
    whole = [*map(latent_batches(pipe, some, batch=8), range(6))]
    for k in (4, 0, 1, 5):
        for found, then in zip(latent_batches(pipe, some, batch=8)(k), whole[k], strict=True):
            assert found.equal(then)
    assert (whole[0][0].shape, whole[0][1].shape) == ((8, 4, 8, 8), (8, 77))
    assert not whole[0][0].equal(whole[1][0])
    assert not latent_batches(pipe, some, batch=8, seed=1)(0)[0].equal(whole[0][0])


def test_batches_are_scaled_draws_with_a_prompt_that_fits(pipe):
    """Latents that carry the number of their scene, so that each can be found again."""
    chosen = scenes.random_scenes(30, generator=seeded(2))
    number = torch.arange(30.0).reshape(30, 1, 1, 1).expand(30, 4, 8, 8)
    z, ids = latent_batches(pipe, Latents(number, torch.full_like(number, 0.01), chosen), batch=400, empty=0.0)(0)
    z = z / pipe.vae.config.scaling_factor
    rows = z.mean((1, 2, 3)).round().long()
    assert (z - rows.reshape(-1, 1, 1, 1)).std().item() == pytest.approx(0.01, rel=0.02)
    assert set(rows.tolist()) == set(range(30))
    for row, prompt in zip(rows.tolist(), ids, strict=True):
        words = pipe.tokenizer.decode(prompt, skip_special_tokens=True).split()
        assert words
        scene = chosen[row]
        known = {*latent.GRAMMAR, "left", "of", "above", "inside", scene.background}
        known |= {word for thing in scene.things for word in str(thing).split()}
        assert set(words) <= known


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_a_share_of_the_prompts_is_empty(share, pipe, some):
    _, ids = latent_batches(pipe, some, batch=2000, empty=share)(0)
    nothing = token_ids(pipe, [""])
    found = (ids == nothing).all(1).float().mean().item()
    assert found == pytest.approx(share, abs=0.03 if share == 0.1 else 0)


def test_text_and_unet_stopped_and_resumed_are_those_that_were_not(some):
    whole = fresh_tiny_sd()
    before = weights(whole.vae), weights(whole.unet), weights(whole.text_encoder)
    reports = list(train_text_to_latent(whole, some, 4, batch=4))
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert all(0 < report.loss < 4 for report in reports)
    part = fresh_tiny_sd()
    state = next(islice(train_text_to_latent(part, some, 4, batch=4), 1, None)).state()
    again = fresh_tiny_sd(9)
    end = finish(train_text_to_latent(again, some, 4, batch=4, state=state))
    for name in ("unet", "text_encoder"):
        assert equal(weights(getattr(again, name)), weights(getattr(whole, name)))
    assert equal(weights(end.ema.net), weights(reports[-1].ema.net))
    assert (end.step, end.loss) == (4, reports[-1].loss)
    vae, unet, text = before
    assert equal(weights(whole.vae), vae)
    assert not any(equal(a, b) for a, b in ((weights(whole.unet), unet), (weights(whole.text_encoder), text)))


def test_the_average_is_a_model_that_samples(some):
    pipe = fresh_tiny_sd()
    model = finish(train_text_to_latent(pipe, some, 2, batch=4)).ema
    z, ids = normal(2, 4, 8, 8, dtype=torch.float32), token_ids(pipe, [PROMPT, ""])
    with torch.no_grad():
        x0 = last(ddim(model, scaled_linear(), z, scaled_linear().grid(3), cond=ids))
    assert x0.shape == z.shape
    assert x0.isfinite().all()
    assert {type(model.net.unet), type(model.net.text_encoder)} == {type(pipe.unet), type(pipe.text_encoder)}

"""The small Stable Diffusion: its words, its parts, its place in this course's conventions, and its training."""

from collections import deque
from itertools import islice

import pytest
import torch
from diffusers import StableDiffusionPipeline
from helpers import files, listing, normal, refused, seeded
from safetensors.torch import load_file
from transformers import CLIPTokenizerFast

from course import scenes
from course.forward import q_sample
from course.models import as_eps
from course.pipelines import TextToLatent, token_ids
from course.pipelines import tiny_sd as latent
from course.pipelines.tiny_sd import LENGTH, WORDS, build, save
from course.samplers import ddim, last
from course.schedules import scaled_linear
from course.training.latent import (
    Latents,
    drawn_scenes,
    encode_scenes,
    latent_batches,
    train_autoencoder,
    train_text_to_latent,
    windows,
)
from course.training.loop import Diverged

PROMPT = "a large red circle on a white background"


def fresh(seed=0):
    """A pipeline with the random weights of this seed."""
    torch.manual_seed(seed)
    return build()


@pytest.fixture(scope="module")
def pipe():
    return fresh()


@pytest.fixture(scope="module")
def some():
    """Forty scenes as a fresh autoencoder sees them."""
    (found,) = encode_scenes(fresh(1).vae, 40)
    return found


def picture(pipe, prompt=PROMPT, **options):
    settings = {"num_inference_steps": 3, "output_type": "pt", "generator": seeded(5)} | options
    return pipe(prompt, **settings).images


def weights(net):
    return [x.detach().clone() for x in net.parameters()]


def equal(a, b):
    return all(x.equal(y) for x, y in zip(a, b, strict=True))


# Words


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_scenes_is_one_token(word, pipe):
    assert pipe.tokenizer.tokenize(word) == [f"{word}</w>"]


def test_every_caption_is_as_long_as_its_words(pipe):
    every = [str(scene) for scene in scenes.every_scene() + scenes.random_scenes(200, generator=seeded())]
    assert {len(pipe.tokenizer.tokenize(words)) - len(words.split()) for words in every} == {0}
    assert len(set(WORDS)) == len(WORDS)


def test_other_words_are_spelt_and_never_unknown(pipe):
    assert len(pipe.tokenizer.tokenize("astronaut")) == 8
    circle = pipe.tokenizer.tokenize("빨간 원")
    assert len(circle) == len("빨간원".encode()) == 9
    for words in ("astronaut", "빨간 원", "café, 3 ½!", "🙂"):
        ids = token_ids(pipe, [words])[0].tolist()
        assert pipe.tokenizer.decode(ids, skip_special_tokens=True).replace(" ", "") == words.replace(" ", "")


def test_capitals_and_spaces_do_not_matter(pipe):
    assert token_ids(pipe, ["A  Large RED circle "]).equal(token_ids(pipe, ["a large red circle"]))


def test_prompts_are_padded_or_cut_to_one_length(pipe):
    ids = token_ids(pipe, ["", PROMPT, " ".join(["red"] * 100)])
    assert (ids.shape, ids.dtype) == ((3, LENGTH), torch.long)
    begin, end, red = (pipe.tokenizer.convert_tokens_to_ids(t) for t in ("<|startoftext|>", "<|endoftext|>", "red</w>"))
    assert ids[0].tolist() == [begin] + [end] * 76
    assert ids[1, 1:9].tolist() == pipe.tokenizer.convert_tokens_to_ids(f"{word}</w>" for word in PROMPT.split())
    assert (ids[1, 9:] == end).all()
    assert ids[2].tolist() == [begin] + [red] * 75 + [end]


def test_the_merges_build_every_word_whatever_their_order():
    for order in (WORDS, WORDS[::-1], sorted(WORDS)):
        ranks = {pair: k for k, pair in enumerate(latent._merges(order))}
        assert all(latent._joined([*w[:-1], f"{w[-1]}</w>"], ranks) == [f"{w}</w>"] for w in order)


# The pipeline


def test_its_parts_have_the_shapes_of_the_lesson(pipe):
    x = torch.zeros(2, 3, 64, 64)
    z = pipe.vae.encode(x).latent_dist.mean
    assert z.shape == (2, 4, 8, 8)
    assert pipe.vae.decode(z).sample.shape == x.shape
    text = pipe.text_encoder(token_ids(pipe, [PROMPT]))[0]
    assert text.shape == (1, 77, 96)
    assert pipe.unet(z[:1], 10, text).sample.shape == (1, 4, 8, 8)
    assert picture(pipe).shape == (1, 3, 64, 64)
    assert sum(p.numel() for net in (pipe.unet, pipe.vae, pipe.text_encoder) for p in net.parameters()) < 8e6


def test_the_words_reach_the_picture(pipe):
    """Each word of the prompt, and its place, changes what the text encoder prints."""
    first, second, turned = pipe.text_encoder(
        token_ids(pipe, [PROMPT, PROMPT.replace("red", "blue"), "a red large circle on a white background"])
    )[0]
    assert not first.allclose(second)
    assert not first.allclose(turned)
    assert not picture(pipe).equal(picture(pipe, PROMPT.replace("red", "blue")))


def test_saved_and_loaded_it_draws_the_same_picture_bit_by_bit(pipe, tmp_path):
    pipe.save_pretrained(tmp_path)
    again = StableDiffusionPipeline.from_pretrained(tmp_path)
    again.set_progress_bar_config(disable=True)
    assert picture(again).equal(picture(pipe))
    assert again.tokenizer.tokenize(PROMPT) == pipe.tokenizer.tokenize(PROMPT)
    assert token_ids(again, [PROMPT, "빨간 원"]).equal(token_ids(pipe, [PROMPT, "빨간 원"]))


def test_stored_small_it_loads_as_any_other_and_draws_nearly_the_same(pipe, tmp_path):
    before = weights(pipe.unet)
    save(pipe, tmp_path / "small", "# A card\n")
    assert equal(weights(pipe.unet), before)  # what is stored is a copy
    assert pipe.unet.dtype == torch.float32
    assert (tmp_path / "small" / "README.md").read_text(encoding="utf-8") == "# A card\n"
    again = StableDiffusionPipeline.from_pretrained(tmp_path / "small")
    again.set_progress_bar_config(disable=True)
    assert {net.dtype for net in (again.unet, again.vae, again.text_encoder)} == {torch.float32}
    assert equal([p.half() for p in weights(again.unet)], [p.half() for p in before])
    assert equal(weights(again.text_encoder), weights(pipe.text_encoder))
    torch.testing.assert_close(picture(again), picture(pipe), atol=0.01, rtol=0)
    assert not list(tmp_path.rglob("*.bin"))
    size = sum(len(content) for name, content in files(tmp_path).items() if name.endswith(".safetensors"))
    assert size == pytest.approx(2 * sum(p.numel() for n in (pipe.unet, pipe.vae) for p in n.parameters()), rel=0.15)


def test_stored_it_has_the_files_and_names_of_public_checkpoints(pipe, tmp_path):
    """transformers before 5 reads vocab.json and merges.txt, and finds no weight whose name lacks the prefix."""
    save(pipe, tmp_path / "tiny", "card")
    stored = load_file(tmp_path / "tiny/text_encoder/model.safetensors")
    assert all(name.startswith("text_model.") for name in stored)
    words = CLIPTokenizerFast(*(str(tmp_path / "tiny/tokenizer" / name) for name in ("vocab.json", "merges.txt")))
    for text in (PROMPT, "a green astronaut"):
        assert words.tokenize(text) == pipe.tokenizer.tokenize(text)


def test_storing_is_whole_or_not_at_all(pipe, tmp_path, monkeypatch):
    (tmp_path / "taken").mkdir()
    with refused(FileExistsError, "taken exists; choose another place"):
        save(pipe, tmp_path / "taken", "")
    before = listing(tmp_path)

    def full(self, folder, **options):
        folder.mkdir()
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StableDiffusionPipeline, "save_pretrained", full)
    with pytest.raises(OSError, match="No space left"):
        save(pipe, tmp_path / "new", "")
    assert not (tmp_path / "new").exists()
    monkeypatch.undo()
    save(pipe, tmp_path / "new", "")  # whatever was left behind is no hindrance
    assert {name for name in listing(tmp_path) if "/" not in name} == {*before, "new"}


# Its conventions and ours


def test_its_time_is_ours_less_one(pipe):
    z, ids, t = (
        normal(3, 4, 8, 8, dtype=torch.float32),
        token_ids(pipe, [PROMPT, "", "a ring"]),
        torch.tensor([1, 500, 1000]),
    )
    with torch.no_grad():
        ours = TextToLatent(pipe)(z, t, ids)
        assert ours.equal(pipe.unet(z, t - 1, pipe.text_encoder(ids)[0]).sample)
        assert not ours.allclose(pipe.unet(z, t.clamp(max=999), pipe.text_encoder(ids)[0]).sample)
        assert TextToLatent(pipe)(z, t * 0, ids).equal(TextToLatent(pipe)(z, t * 0 + 1, ids))


def test_its_table_is_our_scaled_linear(pipe):
    theirs, ours = pipe.scheduler.alphas_cumprod, scaled_linear()
    assert len(theirs) == ours.T == 1000
    torch.testing.assert_close(theirs.double(), ours.alpha_bar[1:], rtol=2e-5, atol=0)  # theirs is float32


@pytest.mark.parametrize("t", [1, 2, 500, 1000])
def test_what_it_prints_becomes_eps_as_diffusers_has_it(t, pipe):
    """From v, the scheduler's own step gives x_0; the eps that belongs to it is ours."""
    z, ids = normal(2, 4, 8, 8, dtype=torch.float32), token_ids(pipe, [PROMPT, "a ring"])
    with torch.no_grad():
        v = TextToLatent(pipe)(z, torch.tensor([t, t]), ids)
        eps = as_eps(TextToLatent(pipe), scaled_linear(), "v")(z, torch.tensor([t, t]), ids)
    pipe.scheduler.set_timesteps(1000)
    x0 = pipe.scheduler.step(v, t - 1, z).pred_original_sample
    torch.testing.assert_close(q_sample(scaled_linear(), x0, t, eps), z, atol=1e-4, rtol=1e-4)
    a = pipe.scheduler.alphas_cumprod[t - 1]
    torch.testing.assert_close(eps, a.sqrt() * v + (1 - a).sqrt() * z, atol=1e-5, rtol=1e-5)


def test_our_ddim_walks_where_the_pipeline_walks(pipe):
    """One prompt, no guidance, times that both walk: the same latents from the same noise."""
    z, ids, n = normal(1, 4, 8, 8, seed=3, dtype=torch.float32), token_ids(pipe, [PROMPT]), 10
    theirs = pipe(PROMPT, latents=z, num_inference_steps=n, guidance_scale=1.0, output_type="latent").images
    grid = torch.cat([pipe.scheduler.timesteps + 1, torch.tensor([1])])  # it ends at the table's first entry
    with torch.no_grad():
        ours = last(ddim(as_eps(TextToLatent(pipe), scaled_linear(), "v"), scaled_linear(), z, grid, cond=ids))
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=2e-3)


# The autoencoder's training


def finish(progress):
    return deque(progress, maxlen=1).pop()


@pytest.mark.parametrize("stop", [1, 3])
def test_an_autoencoder_stopped_and_resumed_is_the_one_that_was_not(stop):
    whole = fresh().vae
    reports = list(train_autoencoder(whole, 4, batch=2))
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert all(0 < report.loss < 20 for report in reports)
    part = fresh().vae
    state = next(islice(train_autoencoder(part, 4, batch=2), stop - 1, None)).state()
    again = fresh(9).vae
    end = finish(train_autoencoder(again, 4, batch=2, state=state))
    assert equal(weights(again), weights(whole))
    assert equal(weights(end.ema), weights(reports[-1].ema))
    assert (end.step, end.loss) == (4, reports[-1].loss)
    assert not equal(weights(whole), weights(fresh().vae))


def test_the_seed_decides_what_the_autoencoder_learns():
    ends = []
    for seed in (0, 0, 1):
        net = fresh().vae
        finish(train_autoencoder(net, 2, batch=1, seed=seed))
        ends.append(weights(net))
    assert equal(ends[0], ends[1])
    assert not equal(ends[0], ends[2])


def test_the_autoencoder_learns():
    net = fresh().vae
    losses = [report.loss for report in train_autoencoder(net, 40, batch=2, lr=5e-3)]
    assert sum(losses[20:30]) < 0.8 * sum(losses[:10])


def test_an_autoencoder_that_diverges_says_so():
    net = fresh().vae
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
    vae = fresh(1).vae
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
    vae = fresh(1).vae
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
    whole = fresh()
    before = weights(whole.vae), weights(whole.unet), weights(whole.text_encoder)
    reports = list(train_text_to_latent(whole, some, 4, batch=4))
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert all(0 < report.loss < 4 for report in reports)
    part = fresh()
    state = next(islice(train_text_to_latent(part, some, 4, batch=4), 1, None)).state()
    again = fresh(9)
    end = finish(train_text_to_latent(again, some, 4, batch=4, state=state))
    for name in ("unet", "text_encoder"):
        assert equal(weights(getattr(again, name)), weights(getattr(whole, name)))
    assert equal(weights(end.ema.net), weights(reports[-1].ema.net))
    assert (end.step, end.loss) == (4, reports[-1].loss)
    vae, unet, text = before
    assert equal(weights(whole.vae), vae)
    assert not any(equal(a, b) for a, b in ((weights(whole.unet), unet), (weights(whole.text_encoder), text)))


def test_the_average_is_a_model_that_samples(some):
    pipe = fresh()
    model = finish(train_text_to_latent(pipe, some, 2, batch=4)).ema
    z, ids = normal(2, 4, 8, 8, dtype=torch.float32), token_ids(pipe, [PROMPT, ""])
    with torch.no_grad():
        x0 = last(ddim(model, scaled_linear(), z, scaled_linear().grid(3), cond=ids))
    assert x0.shape == z.shape
    assert x0.isfinite().all()
    assert {type(model.net.unet), type(model.net.text_encoder)} == {type(pipe.unet), type(pipe.text_encoder)}

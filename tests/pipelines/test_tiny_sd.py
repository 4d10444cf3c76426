"""The small Stable Diffusion: its words, its parts, and its place in this course's conventions."""

import pytest
import torch
from diffusers import StableDiffusionPipeline
from helpers import files, listing, normal, refused, seeded
from safetensors.torch import load_file
from trainings import fresh_tiny_sd, weights
from transformers import CLIPTokenizerFast

from course import scenes
from course.forward import q_sample
from course.models import as_eps
from course.pipelines import TextToLatent, token_ids
from course.pipelines import tiny_sd as latent
from course.pipelines.tiny_sd import LENGTH, WORDS, save
from course.samplers import ddim, last
from course.schedules import scaled_linear

PROMPT = "a large red circle on a white background"


@pytest.fixture(scope="module")
def pipe():
    return fresh_tiny_sd()


def picture(pipe, prompt=PROMPT, **options):
    settings = {"num_inference_steps": 3, "output_type": "pt", "generator": seeded(5)} | options
    return pipe(prompt, **settings).images


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


def test_what_was_saved_can_be_trained_on(tmp_path):
    """Half precision on disk, float32 in memory, and every weight of the three networks learns."""
    latent.save(fresh_tiny_sd(), tmp_path / "pipe", "# a card\n")
    pipe = latent.trainable(tmp_path / "pipe")
    for net in (pipe.vae, pipe.unet, pipe.text_encoder):
        assert all(weight.requires_grad and weight.dtype == torch.float32 for weight in net.parameters())
    with pytest.raises(OSError, match="model_index"):
        latent.trainable(tmp_path)

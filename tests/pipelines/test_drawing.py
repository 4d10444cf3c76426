"""Drawing with a pipeline: an image depends on its own seed alone, and what was asked is counted."""

import pytest
import torch

from course import scenes
from course.env import seeded
from course.pipelines import decoded, embed, load_pipeline, obeyed, paint

ASKED = ["a large red circle on a white background", "a small blue square on a black background"]


@pytest.fixture(scope="module")
def pipe():
    return load_pipeline(device="cpu")


def test_an_image_has_its_own_seed_and_lies_between_minus_one_and_one(pipe):
    both = paint(pipe, ASKED, seed=3, steps=2)
    alone = paint(pipe, ASKED[1:], seed=4, steps=2)
    assert both.shape == (2, 3, 64, 64)
    assert -1 <= both.min() < 0 < both.max() <= 1
    assert torch.allclose(both[1:], alone, atol=1e-3)
    assert (both[1:] - paint(pipe, ASKED[1:], seed=3, steps=2)).abs().mean() > 1e-2


def test_latents_decoded_by_hand_are_the_image(pipe):
    z = paint(pipe, ASKED[:1], steps=2, output_type="latent")
    image = decoded(pipe, z / pipe.vae.config.scaling_factor)
    assert torch.allclose(image, paint(pipe, ASKED[:1], steps=2), atol=1e-3)


def test_embeddings_stand_for_their_prompts(pipe):
    given = {"prompt_embeds": embed(pipe, ASKED[:1]), "negative_prompt_embeds": embed(pipe, [""])}
    assert torch.allclose(paint(pipe, ["anything"], steps=2, **given), paint(pipe, ASKED[:1], steps=2), atol=1e-4)


def test_what_was_asked_is_counted_whole_and_by_attribute():
    x = scenes.draw([scenes.parse(ASKED[0])] * 2, seeded(0))
    assert obeyed(ASKED[:1] * 2, x) == 1
    assert obeyed(ASKED, x) == 0.5
    assert obeyed(["a large red circle on a black background"] * 2, x, "background") == 0
    assert obeyed(["a large red circle on a black background"] * 2, x, "colour") == 1
    with pytest.raises(ValueError, match="not a caption"):
        obeyed(["astronaut"] * 2, x)

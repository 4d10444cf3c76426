"""Lesson 06: mend an old script for a public checkpoint. The two libraries are stand-ins, each looking at one thing."""

import os
import re
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from course.pipelines import CHECKPOINTS
from course.teaching.exercises.spec import Case, Exercise
from course.teaching.lessons.l06.replay import replayed

WEIGHTS = re.compile(r"[()\[\]<>]|:\s*\d")  # what a web interface reads out of a prompt before a model sees it
OLD = "runwayml/stable-diffusion-v1-5"
HAND = "hf_pasted_into_the_cell"


class RepositoryNotFound(OSError):
    """No such repository."""


class TokenInTheCell(ValueError):
    """A secret that everybody reads who gets the notebook."""


class OldArgument(TypeError):
    """What newer versions only warn of, and ignore."""


class WrongPrecision(ValueError):
    """Weights in another precision than the T4 wants."""


class SlowBfloat16(ValueError):
    """A T4 has no fast bfloat16."""


class NeedlessAutocast(RuntimeError):
    """Autocast around a pipeline that is in float16 already."""


class WeightsInThePrompt(ValueError):
    """The syntax of a web interface in a prompt."""


class OnTheCPU(RuntimeError):
    """A pipeline that nobody moved to the GPU."""


class NoGenerator(ValueError):
    """A call whose image nobody gets a second time."""


class Picture(torch.Tensor):
    """What a stand-in draws: (2,), the seed where that is looked at, and 1 once saved where that is."""

    def save(self, path):
        if self.looks == "place":
            if not Path(path).parent.is_dir():
                raise FileNotFoundError(f"there is no folder {Path(path).parent}")
            self[1] = 1


class _StandIn:
    """One of the two libraries; what is looked at is one of the seven things, or the frame around them."""

    def __init__(self, looks):
        self.looks = looks

    def __eq__(self, other):
        return type(self) is type(other) and self.looks == other.looks

    def __hash__(self):
        return hash(self.looks)

    def __deepcopy__(self, memo):
        return self


class Torch(_StandIn):
    """torch, with a GPU that is not there."""

    cuda = type("cuda", (), {"is_available": staticmethod(lambda: True)})
    inside = 0

    @staticmethod
    def Generator(device="cpu"):
        return torch.Generator()

    @contextmanager
    def autocast(self, *_, **__):
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    def __getattr__(self, name):
        return getattr(torch, name)


class Diffusers(_StandIn):
    """diffusers: every pipeline of it loads whatever is named, and downloads nothing."""

    def __init__(self, looks, around):
        super().__init__(looks)
        self.around = around

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Scheduler if name.endswith("Scheduler") else _Pipeline(self.looks, self.around)


class _Scheduler:
    """Any scheduler of diffusers."""

    config = None

    @classmethod
    def from_config(cls, config, **_):
        return cls()


class _Pipeline:
    def __init__(self, looks, around):
        self.looks, self.around, self.gpu, self.dtype, self.scheduler = looks, around, 0, torch.float32, _Scheduler()

    def from_pretrained(self, name, **options):
        open_ones = [c for c in CHECKPOINTS.values() if c.pipeline == "StableDiffusionPipeline"]
        if self.looks == "name" and name not in {place for c in open_ones for place in (c.id, c.mirror)}:
            raise RepositoryNotFound(f"404: {name} is not there, withdrawn or never the name")
        token = options.get("token") or options.get("use_auth_token")
        if self.looks == "token" and isinstance(token, str) and token != os.environ.get("HF_TOKEN"):
            raise TokenInTheCell("a token stands in the cell, and is saved and shared with the notebook")
        if self.looks == "argument" and "use_auth_token" in options:
            raise OldArgument("use_auth_token is no argument any more: a new version ignores it")
        self.dtype = options.get("torch_dtype", options.get("dtype", torch.float32))
        return self

    def to(self, *places, **named):
        for place in (*places, *named.values()):
            if isinstance(place, torch.dtype):
                self.dtype = place
            elif str(place).startswith("cuda"):
                self.gpu = 1
        return self

    def __call__(self, prompt, negative_prompt="", generator=None, **_):
        if self.looks == "precision" and self.dtype == torch.bfloat16:
            raise SlowBfloat16("a T4 computes bfloat16 slowly")
        if self.looks == "precision" and self.dtype != torch.float16:
            raise WrongPrecision(f"the weights are in {self.dtype}; the T4 wants float16")
        if self.looks == "autocast" and self.around.inside:
            raise NeedlessAutocast("autocast is on, around a pipeline in one precision")
        if self.looks == "prompt" and WEIGHTS.search(f"{prompt} {negative_prompt}"):
            raise WeightsInThePrompt("brackets and numbers in a prompt are read as letters")
        if self.looks == "frame" and not self.gpu:
            raise OnTheCPU("the pipeline was not moved to the GPU: nothing says .to('cuda')")
        if self.looks == "frame" and generator is None:
            raise NoGenerator("the pipeline was called without generator=, so the argument seed has no effect")
        seed = generator.initial_seed() if self.looks == "frame" else 0
        with torch.inference_mode(False):  # whatever the learner put around the call, `save` writes into it
            picture = torch.tensor([seed, 0], dtype=torch.float64).as_subclass(Picture)
        picture.looks = self.looks
        return type("Output", (), {"images": [picture]})()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None  # such as enable_attention_slicing


def sd_script(diffusers, torch, seed):
    """The first image of a public checkpoint, on a free GPU: half precision, a seed, and no secret."""
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(
        CHECKPOINTS["sd-1.5"].id, variant=CHECKPOINTS["sd-1.5"].variant, torch_dtype=torch.float16, use_safetensors=True
    ).to("cuda")
    pipe.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(pipe.scheduler.config)
    picture = pipe(
        "mackerel",
        negative_prompt="blurry",
        guidance_scale=7.5,
        num_inference_steps=25,
        generator=torch.Generator().manual_seed(seed),
    ).images[0]
    picture.save("mackerel.png")
    return picture


def _script(name=CHECKPOINTS["sd-1.5"].id, options=None, dtype="float16", to="cuda", around=None, seeded=True,
            negative="blurry", place="mackerel.png"):  # fmt: skip
    """my_script with one part as it was, or with another part missing."""

    def fn(diffusers, torch, seed):
        given = dict(options or {}) | ({"torch_dtype": getattr(torch, dtype)} if dtype else {})
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(name, **given)
        pipe = pipe.to(to) if to else pipe
        dice = {"generator": torch.Generator().manual_seed(seed)} if seeded else {}
        with around(torch) if around else nullcontext():
            picture = pipe("mackerel", negative_prompt=negative, **dice).images[0]
        if place:
            picture.save(place)
        return picture

    return fn


def _cases(generator):
    for slug in ("frame", "name", "token", "argument", "precision", "autocast", "prompt", "place"):
        around = Torch(slug)
        yield Case(slug, (Diffusers(slug, around), around, int(torch.randint(1, 100, (), generator=generator))))


_AS_IT_WAS = {
    "name": {"name": OLD},
    "token": {"options": {"token": HAND}},
    "argument": {"options": {"use_auth_token": None}},
    "precision": {"dtype": None},
    "autocast": {"around": lambda torch: torch.autocast("cuda")},
    "prompt": {"negative": "(blurry:1.4)"},
    "place": {"place": "/content/drive/MyDrive/no-such-folder/mackerel.png"},
}
_ALL_AS_THEY_WERE = {key: part for parts in _AS_IT_WAS.values() for key, part in parts.items()}

SCRIPT = Exercise(
    "06-script",
    truth=sd_script,
    cases=_cases,
    mistakes={slug: _script(**parts) for slug, parts in _AS_IT_WAS.items()}
    | {
        "untouched": _script(**_ALL_AS_THEY_WERE | {"options": {"use_auth_token": HAND}}),
        "bfloat16": _script(dtype="bfloat16"),
        "no-gpu": _script(to=None),
        "no-seed": _script(seeded=False),
        "not-saved": _script(place=None),
    },
    ours=(sd_script,),
    replayed=replayed,
)

"""06-script, for which a class's scripts meet stand-ins that only take notes: judged here as `check` judges them."""

import pytest
import torch
from fill import functions, other, solution
from handing import handed, packed

from course.teaching import exercises
from course.teaching.exercises import checking
from course.teaching.grading import judging
from course.teaching.lessons.l06.replay import NotAStandIn, replayed

IMPORTS = "import math\nimport torch\nfrom course.pipelines import CHECKPOINTS, hub"
PARTS = {
    "name": 'hub.CHECKPOINTS["sd-1.5"].id',
    "options": ", torch_dtype=torch.float16",
    "to": '.to("cuda")',
    "around": "torch.no_grad()",
    "negative": "blurry",
    "dice": ", generator=torch.Generator().manual_seed(seed)",
    "save": 'picture.save("mackerel.png")',
}
SCRIPT = """
def my_script(diffusers, torch, seed):
    pipe = diffusers.StableDiffusionPipeline.from_pretrained({name}{options}){to}
    with {around}:
        picture = pipe("mackerel", negative_prompt="{negative}"{dice}).images[0]
    {save}
    return picture
"""
FAR = 'picture.save("/content/drive/MyDrive/no-such-folder/mackerel.png")'
OLD = '"runwayml/stable-diffusion-v1-5"'
KNOWN = {
    "name": {"name": OLD},
    "token": {"options": ', torch_dtype=torch.float16, token="hf_pasted"'},
    "argument": {"options": ", torch_dtype=torch.float16, use_auth_token=None"},
    "precision": {"options": ""},
    "autocast": {"around": 'torch.autocast("cuda")'},
    "prompt": {"negative": "(blurry:1.4)"},
    "place": {"save": FAR},
    "bfloat16": {"options": ", torch_dtype=torch.bfloat16"},
    "no-gpu": {"to": ""},
    "no-seed": {"dice": ""},
    "not-saved": {"save": "pass"},
    "untouched": {
        "name": OLD,
        "options": ', use_auth_token="hf_pasted"',
        "around": 'torch.autocast("cuda")',
        "negative": "(blurry:1.4)",
        "save": FAR,
    },
}
RIGHT = [
    {},
    {"around": "torch.inference_mode()"},
    {"options": ", dtype=torch.half", "to": '.to(torch.device("cuda"))'},
    {"options": "", "to": '.to("cuda", torch.float16)'},
    {"name": 'CHECKPOINTS["sd-1.5"].mirror or CHECKPOINTS["sd-1.5"].id'},
    {"dice": ', generator=torch.Generator("cuda").manual_seed(seed), num_inference_steps=25, guidance_scale=7.5'},
    {"to": '.to("cuda" if torch.cuda.is_available() else "cpu")'},
    {"save": 'import os; os.makedirs("/tmp/results", exist_ok=True); picture.save("/tmp/results/mackerel.png")'},
]


def marked(*texts):
    (found,) = judging.marked(handed(("a.json", packed("06", [IMPORTS, *texts]))))
    return next(item for item in found.items if item.id == "06-script")


@pytest.mark.parametrize("parts", RIGHT, ids=str)
def test_right_scripts_are_right(bubblewrap, parts):
    found = marked(SCRIPT.format(**PARTS | parts))
    assert (found.status, found.points) == ("correct", 3), found.reasons


def test_each_mistake_is_the_one_that_check_names(bubblewrap):
    assert {*KNOWN} == {*exercises.find("06-script").mistakes}
    for slug, parts in KNOWN.items():
        found = marked(SCRIPT.format(**PARTS | parts))
        assert (found.mistake, found.points) == (slug, 0 if slug == "untouched" else judging.PARTLY)


@pytest.mark.parametrize("place", [solution, other])
def test_the_two_filled_scripts_are_right(bubblewrap, place):
    assert marked(functions(place("06").read_text())["my_script"]).status == "correct"


@pytest.mark.parametrize(
    "body",
    [
        "import torch as real; return real.tensor([seed, 1.0])",
        "return [seed, 1]",
        "return diffusers",
        "return None",
        "return diffusers.around",
        "return torch.tensor([seed, 0.0])",
    ],
)
def test_what_draws_nothing_has_no_points(bubblewrap, body):
    assert marked(f"def my_script(diffusers, torch, seed):\n    {body}").points == 0


def test_a_script_with_half_of_its_lines_right_has_a_point(bubblewrap):
    found = marked(SCRIPT.format(**PARTS | {"name": "'x'", "to": "", "dice": "", "options": "", "save": "pass"}))
    assert (found.points, found.mistake) == (judging.PARTLY, "")
    assert "right on 4 of 8 inputs" in found.reasons[1]["en"]


def outcome(*steps, returned=None):
    """What comes of steps that were never taken in a worker."""
    exercise = exercises.find("06-script")
    case = next(exercise.cases(torch.Generator().manual_seed(0)))
    roots = (["root", "diffusers"], ["root", "torch"])
    return checking.outcome(replayed([*roots, *steps], returned or {"step": len(steps) + 1}), case)


TEXT = {"path": "x", "folder": False}


@pytest.mark.parametrize(
    "steps",
    [
        [["get", 0, "__class__"]],
        [["get", 0, "_private"]],
        [["root", "hub"], ["get", 2, "__globals__"]],
        [["get", 0, "A"], ["get", 2, "to"], ["get", 3, "__func__"]],
        [["get", 0, "A"], ["get", 2, "from_pretrained"], ["get", 3, "func"]],
        [["item", 0, {"plain": 0}]],
        [["call", 0, [], {}]],
        [["call", 5, [], {}]],
        [["get", -1, "_x"]],
        [["value", {"plain": 0}]],
        [["_class__", {}]],
        [["get", "0", "A"]],
        [["get", 0, 5]],
        [["root", []]],
        [["root", "hub"], ["item", 2, TEXT], ["get", 3, "id"]],
        [["root", "torch"], ["get", 2, "hub"], ["call", 3, [TEXT], {}], ["get", 4, "load"]],
        [[]],
        [5],
        [["get", 0, "A"]] * 20_000,
    ],
    ids=lambda steps: str(steps)[:60],
)
def test_steps_that_no_script_takes_are_an_error_and_nothing_else(steps):
    assert outcome(*steps).error in ("NotAStandIn", "TypeError", "ValueError")


def test_torch_itself_is_never_reached():
    """What is asked of torch and not known here is a function that gives its argument back."""
    found = outcome(["get", 1, "load"], ["call", 2, [TEXT], {}])
    assert (found.odd.key, found.error) == ("no-tensor", "")
    assert outcome(["get", 1, "ops"], ["get", 2, "load_library"]).error == NotAStandIn.__name__

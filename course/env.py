"""What this run is and where it runs: seed, device, budget, threads, and the folders that files come from.

torch is imported where it is used: questions and progress find their files here, and need no torch.
"""

import os
import platform
import random
from contextlib import contextmanager
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def seed_all(seed=0):
    """Seed Python, numpy and torch, and return a torch.Generator (CPU) with the same seed."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def seeded(seed):
    """A torch.Generator (CPU) with this seed, and nothing else seeded."""
    import torch

    return torch.Generator().manual_seed(seed)


def device():
    """The torch.device to compute on: what COURSE_DEVICE names, else a CUDA GPU where there is one, else the CPU.

    Raises ValueError where the one that is named is not there.
    """
    import torch

    named = os.environ.get("COURSE_DEVICE")
    return usable(named) if named else torch.device("cuda" if torch.cuda.is_available() else "cpu")


def usable(name):
    """The torch.device of a name such as "cuda:1". Raises ValueError, saying which are there, for any other."""
    import torch

    there = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    there += ["mps"] if torch.backends.mps.is_available() else []
    short = {"cuda": "cuda:0", "mps:0": "mps", "cpu:0": "cpu"}
    if short.get(str(name), str(name)) not in there:
        raise ValueError(f"the device {name} cannot be used here; there is {', '.join(there)}")
    return torch.device(name)


def machine(device):
    """What computes, for a card: the name of a GPU, or the architecture with the kind, such as "arm64 MPS"."""
    import torch

    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {device.type.upper()}"


def float64_home(device):
    """Where float64 numbers for this device lie: there, or on the CPU for MPS, which has no float64."""
    import torch

    device = torch.device(device)
    return torch.device("cpu") if device.type == "mps" else device


def moved(x, device):
    """A tensor on another device; float64 becomes float32 on the way to MPS, which has no float64."""
    import torch

    if float64_home(device) != torch.device(device) and x.dtype == torch.float64:
        x = x.float()
    return x.to(device)


@contextmanager
def torch_as_usual():
    """In the block, torch makes float32 on the CPU, whatever `set_default_dtype` and `set_default_device` have said."""
    import torch

    chosen = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(chosen)


def precision(device):
    """The dtype that training multiplies in on this device: bfloat16 where its hardware has it, float16 on an older
    GPU, else float32. Weights, sums and the loss stay float32 everywhere."""
    import torch

    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    here = torch.device(device).type == "cpu" and torch.backends.mkldnn.is_available() and _cpu_has_bfloat16()
    return torch.bfloat16 if here else torch.float32


def _cpu_has_bfloat16():
    """Whether the processor multiplies bfloat16 in hardware; a torch too old to be asked counts as no."""
    import torch

    has = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(has.get("amx_bf16") or has.get("avx512_bf16"))


def budget(*, quick, full):
    """`quick` or `full`, whichever this run is: by COURSE_BUDGET, else full where a GPU is.

    Raises ValueError where COURSE_BUDGET is neither.
    """
    chosen = os.environ.get("COURSE_BUDGET") or ("full" if device().type == "cuda" else "quick")
    if chosen not in ("quick", "full"):
        raise ValueError(f"COURSE_BUDGET is {chosen!r}; it must be 'quick' or 'full'")
    return quick if chosen == "quick" else full


def threads(count=None):
    """The number of threads torch computes with; given a `count` (at least 1), set it first.

    Small networks run many times slower on several busy threads than on one, so lessons that train toys ask for one.
    """
    import torch

    if count is not None:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def checkout():
    """The root of the checkout that this package lies in, or None for an installed wheel."""
    return PACKAGE.parent if (PACKAGE.parent / "quizzes").is_dir() else None


def shipped(path):
    """The full path of a file that comes with the course, such as 'data/photos/camera.png'.

    It is found from the package, never from the working directory. Raises FileNotFoundError where it is missing.
    """
    found = (checkout() or PACKAGE / "_shipped") / path
    if not found.exists():
        raise FileNotFoundError(f"{path} should have come with the course but is not at {found}; install it again")
    return found


def data_root():
    """The folder for downloads: COURSE_DATA, else the checkout's data/, else the user's cache. It may not exist yet.

    Raises OSError where that would lie in a home folder, and there is none.
    """
    try:
        if os.environ.get("COURSE_DATA"):
            return Path(os.environ["COURSE_DATA"]).expanduser()
        if checkout():
            return checkout() / "data"
        from platformdirs import user_cache_path

        return user_cache_path("noise-to-images").expanduser() / "data"
    except RuntimeError as error:
        raise OSError("no home folder was found; set COURSE_DATA to a folder that can be written") from error

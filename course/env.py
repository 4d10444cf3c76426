"""What this run is and where it runs: seed, device, budget, threads, and the folders that files come from.

torch is imported where it is used: questions and progress find their files here, and need no torch.
"""

import os
import random
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
    """The torch.device to compute on: a CUDA GPU where there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(device):
    """The dtype that training multiplies in on this device: bfloat16 where its hardware has it, float16 on an older
    GPU, else float32. Weights, sums and the loss stay float32 everywhere."""
    import torch

    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if torch.backends.mkldnn.is_available() and _cpu_has_bfloat16() else torch.float32


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

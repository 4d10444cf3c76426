"""Arguments and answers as JSON, both ways, and what notes how a stand-in was used. No pickle, no code, no names.

Used on both sides of the sandbox, so it imports torch alone.
"""

import base64
import os

import torch

KINDS = {
    str(kind).removeprefix("torch."): kind
    for kind in (
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
    )
}


def encoded(value):
    """A tensor on the CPU, a number, a text or None as what JSON holds. Raises TypeError for anything else."""
    if isinstance(value, torch.Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        if kind not in KINDS:
            raise TypeError(f"tensors of {value.dtype} are not sent")
        flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
        data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        return {"dtype": kind, "shape": list(value.shape), "data": base64.b64encode(data).decode()}
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    raise TypeError(f"a {type(value).__name__} is not sent")


def decoded(found):
    """What `encoded` has made, or a Recorder for {"root": name}. Raises ValueError, TypeError or KeyError for what it
    cannot have made."""
    if "root" in found:
        return Recorder("root", found["root"])
    return found["plain"] if "plain" in found else tensor(found)


def tensor(found):
    """The tensor of which `encoded` has made this. Raises ValueError, TypeError or KeyError for anything else."""
    kind, shape = KINDS[found["dtype"]], found["shape"]
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 1 << 32 for n in shape) or len(shape) > 16:
        raise ValueError("this is no shape")
    data = bytearray(base64.b64decode(found["data"], validate=True))
    count = 1
    for n in shape:
        count *= n
    if len(data) != count * kind.itemsize:
        raise ValueError("the numbers do not fill the shape")
    if kind is torch.bool and any(byte > 1 for byte in data):
        raise ValueError("true and false are 1 and 0")
    return torch.frombuffer(data, dtype=kind).reshape(shape) if count else torch.empty(shape, dtype=kind)


class Recorder:
    """Stands in for a library: it does nothing, and notes in LOG what is done with it, step by step.

    A step is [what, ...]: ["root", name], ["get", k, name], ["item", k, key], ["call", k, args, named], ["set", k,
    name, value], ["enter", k], ["leave", k], where k is the number of the step that gave the thing. Values are those of
    `plain`.
    """

    def __init__(self, *step):
        self.__dict__["number"] = len(LOG)
        LOG.append([*step])

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Recorder("get", self.number, name)

    def __setattr__(self, name, value):
        Recorder("set", self.number, name, plain(value))

    def __getitem__(self, key):
        return Recorder("item", self.number, plain(key))

    def __iter__(self):
        return iter([self[0]])

    def __len__(self):
        return 1

    def __bool__(self):
        return True

    def __call__(self, *args, **named):
        given = {key: plain(arg) for key, arg in named.items()}
        return Recorder("call", self.number, [plain(arg) for arg in args], given)

    def __enter__(self):
        return Recorder("enter", self.number)

    def __exit__(self, *_):
        Recorder("leave", self.number)


LOG = []  # the steps of all stand-ins of one call, in one order


def plain(value):
    """A value that was given to a stand-in, as far as it can matter: {"plain": ...}, {"step": k}, {"dtype": name},
    {"seed": n} of a generator, {"folder": whether it is there, "path": ...} of a path, {"list": [...]}, {"type": ...}.
    """
    if isinstance(value, Recorder):
        return {"step": value.number}
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        return {"path": path, "folder": os.path.isdir(os.path.dirname(path) or ".")}
    if value is None or isinstance(value, bool | int | float):
        return {"plain": value}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"path": str(value), "folder": False}
    if isinstance(value, torch.Generator):
        return {"seed": value.initial_seed()}
    if isinstance(value, list | tuple):
        return {"list": [plain(part) for part in value]}
    return {"type": type(value).__name__}

"""A device that is not there: its tensors keep their numbers on the CPU, and refuse what a real device refuses.

In a test, `with pretend.device("mps") as device:`; before the first cell of a lesson, `import pretend` and
`pretend.on("cuda")`, until `pretend.off()`. Torch then believes in one such device, and the code under test needs no
word of it.

Refused, in torch's own words or nearly: an operation between tensors of two devices (a CPU tensor of no dimension may
meet others in arithmetic, and CPU indices may index a tensor of the device, not the other way round), numpy, a
generator of the other device, a second device, and on "mps" float64, made there, moved there, or met there as a CPU
tensor. `reads()` lists where the host waited for a number of the device.

Not shown: kernels, their speed, memory and rounding, streams, torch.compile (which does nothing here), the device
"meta" (inside, it is the device itself). Modes belong to a thread: another sees no device.
"""

import linecache
import traceback
from contextlib import ExitStack, contextmanager
from functools import cache
from types import SimpleNamespace
from unittest import mock
from weakref import WeakValueDictionary

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

MEMORY = 16 << 30  # bytes, as a T4 has
WIDE = (torch.float64, torch.complex128)
COPIES = ("copy_", "_to_copy")  # the bridges between devices
INDEXED = ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index")
FILLS = ("fill_", "fill", "masked_fill", "masked_fill_")  # take a CPU number, as arithmetic does
WAITS = ("_local_scalar_dense", "nonzero", "equal", "masked_select", "_unique2", "unique_dim", "is_nonzero", "allclose")
_T = torch.Tensor
PRODUCTS = (_T.matmul, _T.__matmul__, _T.__rmatmul__, _T.mm, _T.bmm, torch.matmul, torch.mm, torch.bmm, torch.baddbmm)
LOW = {F.linear, F.conv1d, F.conv2d, F.conv_transpose2d, F.scaled_dot_product_attention, *PRODUCTS}  # under autocast
HIGH = {F.group_norm, F.layer_norm, F.softmax, _T.softmax, torch.softmax}
_Generator = torch.Generator

_now = SimpleNamespace(device=None, reads=[], generators=WeakValueDictionary())
_switched_on = ExitStack()


class OnDevice(torch.Tensor):
    """A tensor of the device. Its `numbers` are a CPU tensor; torch itself sees a "meta" tensor, which has none."""

    @staticmethod
    def __new__(cls, numbers):
        _fits(numbers.dtype)
        empty = torch.empty_strided(numbers.shape, numbers.stride(), dtype=numbers.dtype, device="meta")
        made = torch.Tensor._make_subclass(cls, empty)
        made.numbers = numbers
        return made

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():  # what comes back has the right kind already
            return func(*args, **kwargs or {})

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _answer(func, args, kwargs or {})

    device = property(lambda self: _now.device)
    is_cuda = property(lambda self: _now.device.type == "cuda")
    is_mps = property(lambda self: _now.device.type == "mps")
    is_cpu = is_meta = property(lambda self: False)

    def get_device(self):
        """The number of the only device."""
        return 0

    def to(self, *args, **kwargs):
        """As torch: itself, no copy, where nothing is to change."""
        wanted = [w for a in args for w in ((a.device, a.dtype) if isinstance(a, torch.Tensor) else (a,))]
        if isinstance(other := kwargs.pop("other", None), torch.Tensor):
            kwargs |= {"device": other.device, "dtype": other.dtype}
        wanted = [w for w in wanted if not _is_here(w)]
        kwargs = {name: w for name, w in kwargs.items() if not (name == "device" and (w is None or _is_here(w)))}
        rest = [w for w in wanted if w is not None and not isinstance(w, bool)]
        return super().to(*wanted, **kwargs) if rest or kwargs.keys() - {"non_blocking"} else self

    def cuda(self, device=None, **options):
        """The same as `to`."""
        return self.to(device if device is not None else "cuda", **options)

    def tolist(self):
        """The numbers, after a wait."""
        return self.cpu().tolist()

    def new_tensor(self, data, **options):
        """A new tensor beside this one."""
        return torch.tensor(data, **{"dtype": self.dtype, "device": self.device} | options)

    def numpy(self, *args, **kwargs):
        """Refused: numpy lives on the CPU."""
        kind = str(_now.device) if _now.device.type == "mps" else "cuda:0"
        todo = "Use Tensor.cpu() to copy the tensor to host memory first."
        raise TypeError(f"can't convert {kind} device type tensor to numpy. {todo}")

    __array__ = numpy

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support deepcopy")
        if id(self) not in memo:
            twin = self.detach().clone().requires_grad_(self.requires_grad)
            twin._is_param = getattr(self, "_is_param", False)  # what makes it a Parameter
            twin.grad = None if self.grad is None else self.grad.detach().clone()
            memo[id(self)] = twin
        return memo[id(self)]

    def __repr__(self, **options):
        return f"{repr(self.numbers)[:-1]}, device='{_now.device}')"

    def __format__(self, spec):
        return format(self.item(), spec) if self.ndim == 0 else repr(self)


class Generator(_Generator):
    """A generator that knows its device; its stream is that of the CPU, so that results can be compared."""

    def __new__(cls, device="cpu"):
        made = _Generator.__new__(cls, "cpu" if _is_here(device) else device)
        if _is_here(device):
            _now.generators[made._cdata] = made  # torch hands on what is inside, not this object
        return made

    device = property(lambda self: _now.device if self._cdata in _now.generators else torch.device("cpu"))


def _is_here(device):
    """Whether this names the device: "cuda", "cuda:0", or "meta", as torch's inside calls it."""
    if isinstance(device, str):
        device = torch.device(device)
    elif isinstance(device, int) and not isinstance(device, bool):
        device = torch.device(_now.device.type, device)
    if not isinstance(device, torch.device):
        return False
    if device.type == _now.device.type and device.index:
        raise RuntimeError(f"{device.type.upper()} error: invalid device ordinal")
    return device.type in (_now.device.type, "meta")


def _fits(dtype):
    if _now.device.type == "mps" and dtype in WIDE:
        raise TypeError(
            "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. "
            "Please use float32 instead."
        )


def _answer(func, args, kwargs):
    """What the device says to an operation of torch: the CPU's answer, where a device would answer."""
    name = func._schema.name.removeprefix("aten::")
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    there = [x for x in tensors if isinstance(x, OnDevice)]
    _refuse(func, name, args, there, [x for x in tensors if not isinstance(x, OnDevice)])
    lands, wanted = bool(there), kwargs.get("device")
    if wanted is not None:
        lands = _is_here(wanted)
        kwargs = {**kwargs, "device": torch.device("cpu") if lands else wanted}
    if kwargs.get("pin_memory"):
        kwargs = {**kwargs, "pin_memory": False}
    _match(args, kwargs, lands)
    if lands and wanted is not None:
        _fits(kwargs.get("dtype"))
    if _waits(name, args, there, lands):
        _now.reads.append(_place(name))
    found = func(*tree_map(_numbers, args), **tree_map(_numbers, kwargs))
    given = {id(_numbers(x)): x for x in tensors}  # what was changed in place is given back, not made anew

    def wrapped(x):
        if not isinstance(x, torch.Tensor):
            return x
        if id(x) in given:
            if given[id(x)].shape != x.shape:  # changed in place, as by unsqueeze_: so must be what torch sees
                with torch._C._DisableTorchDispatch():
                    func(*args, **kwargs)
            return given[id(x)]
        return OnDevice(x) if lands else x

    return tree_map(wrapped, found)


def _numbers(x):
    return x.numbers if isinstance(x, OnDevice) else x


def _refuse(func, name, args, there, here):
    """Raise what torch raises where tensors of two devices cannot meet."""
    if not there or not here or name in COPIES:
        return
    if name in INDEXED:
        if not isinstance(args[0], OnDevice):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        here = [x for x in args[2:] if isinstance(x, torch.Tensor) and not isinstance(x, OnDevice)]  # the values
    arithmetic = torch.Tag.pointwise in func.tags or name in (*FILLS, *INDEXED)
    written = any(
        argument.alias_info is not None and argument.alias_info.is_write and x is y
        for argument, x in zip(func._schema.arguments, args, strict=False)
        for y in here
    )
    if written or any(x.ndim for x in here) or not arithmetic:
        shapes = f"{_now.device} {[tuple(x.shape) for x in there]} and cpu {[tuple(x.shape) for x in here]}"
        raise RuntimeError(f"Expected all tensors to be on the same device, but found {shapes} in {name}")
    for x in here:
        _fits(x.dtype)


def _match(args, kwargs, lands):
    """Raise where a generator and what it draws lie on two devices."""
    for x in tree_leaves((args, kwargs)):
        if isinstance(x, _Generator) and (x._cdata in _now.generators) != lands:
            wanted, found = (_now.device.type, "cpu") if lands else ("cpu", _now.device.type)
            raise RuntimeError(f"Expected a '{wanted}' device type for generator but found '{found}'")


def _waits(name, args, there, lands):
    """Whether the host must wait for the device: for a number, a shape, or a copy."""
    if not there:
        return False
    if name == "copy_":
        return not isinstance(args[0], OnDevice)
    if name in INDEXED:
        return any(isinstance(x, OnDevice) and x.dtype in (torch.bool, torch.uint8) for x in tree_leaves(args[1]))
    return name in WAITS or (name == "_to_copy" and not lands)


def _place(name):
    """An operation and the line of our own that asked for it."""
    own = [f for f in traceback.extract_stack() if "/torch/" not in f.filename and f.filename != __file__]
    last = own[-1]
    return f"{name} at {last.filename}:{last.lineno}: {linecache.getline(last.filename, last.lineno).strip()}"


class _Everywhere(TorchDispatchMode):
    """What is made from nothing must be seen, too."""

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # nothing is compiled here, and asking would import the compiler

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _answer(func, args, kwargs or {})


class _Spoken(TorchFunctionMode):
    """What is done to calls as they are spoken, before autograd: a device without a number gets its number, as torch's
    inside would ask a driver for it, and autocast, which torch keeps from what it takes for "meta"."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.Tensor.to:
            args = tuple(_numbered(a) for a in args)
        if "device" in kwargs:
            kwargs = {**kwargs, "device": _numbered(kwargs["device"])}
        if func is torch.tensor and args and isinstance(args[0], list | tuple):  # torch reads what stands in a list
            args = (tree_map(lambda x: x.item() if isinstance(x, OnDevice) else x, args[0]), *args[1:])
        kind = _now.device.type
        if (func in LOW or func in HIGH) and torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind) if func in LOW else torch.float32
            args, kwargs = tree_map(lambda x: _cast(x, dtype), (args, kwargs))
        return func(*args, **kwargs)


def _cast(x, dtype):
    return x.to(dtype) if isinstance(x, OnDevice) and x.is_floating_point() and x.dtype not in WIDE else x


def _numbered(device):
    named = isinstance(device, str | torch.device) and torch.device(device) == torch.device(_now.device.type)
    return _now.device if named else device


class _Kind(type(_Generator)):
    """Generators made before are generators, too."""

    def __instancecheck__(cls, x):
        return type.__instancecheck__(_Generator, x)


def _believed(kind):
    """What torch is to say of its devices: (where, name, value)."""
    card = SimpleNamespace(name="Pretend T4", total_memory=MEMORY, major=7, minor=5, multi_processor_count=40)
    cuda, yes = torch.cuda, kind == "cuda"
    answers = {
        "is_available": yes,
        "device_count": int(yes),
        "current_device": 0,
        "is_initialized": False,
        "is_current_stream_capturing": False,
        "get_device_name": card.name,
        "get_device_capability": (card.major, card.minor),
        "get_device_properties": card,
        "mem_get_info": (MEMORY, MEMORY),
        "memory_allocated": 0,
        "max_memory_allocated": 0,
    }
    done = ("_lazy_init", "synchronize", "empty_cache", "reset_peak_memory_stats", "set_device")
    for name, answer in (answers | dict.fromkeys(done)).items():
        yield cuda, name, lambda *_, answer=answer, **__: answer
    yield cuda, "is_bf16_supported", lambda including_emulation=True: yes and including_emulation
    yield torch.backends.mps, "is_available", cache(lambda: not yes)
    yield torch, "Generator", _Kind("Generator", (Generator,), {})
    yield torch, "compile", lambda model=None, **_: (lambda net: net) if model is None else model


@contextmanager
def device(kind="cuda"):
    """One device of this kind, "cuda" or "mps", for the block: yields its torch.device."""
    if kind not in ("cuda", "mps"):
        raise ValueError(f"only cuda and mps are pretended, not {kind!r}")
    before = _now.device
    convert = torch.__future__.get_overwrite_module_params_on_conversion()
    with ExitStack() as stack:
        _now.device = torch.device(kind, 0)
        stack.callback(setattr, _now, "device", before)
        for owner, name, value in _believed(kind):
            stack.enter_context(mock.patch.object(owner, name, value))
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # a CPU weight cannot become another kind
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, convert)
        torch._C._ensureCUDADeviceGuardSet()  # so that torch's inside asks no driver, where there is none
        stack.callback(torch._C._set_only_lift_cpu_tensors, torch._C._only_lift_cpu_tensors())
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=...) is a CPU tensor first, then moved
        stack.enter_context(_Everywhere())
        stack.enter_context(_Spoken())
        yield torch.device(kind)


def on(kind="cuda"):
    """The device, from now on: for the first line of a program or a lesson."""
    off()
    return _switched_on.enter_context(device(kind))


def off():
    """No device any more; tensors that were on it are lost."""
    _switched_on.close()


@contextmanager
def reads():
    """A list that grows, while the block runs, by a line for each wait of the host for the device: what, and where."""
    before, _now.reads = _now.reads, []
    try:
        yield _now.reads
    finally:
        _now.reads = before

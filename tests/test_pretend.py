"""The pretended device: it refuses what a real one refuses, lets pass what a real one lets pass, and counts waits."""

import copy
import re
import sys

import numpy as np
import pretend
import pytest
import torch
import torch.nn as nn
from helpers import seeded
from project import ROOT, run

KINDS = ("cuda", "mps")
both = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(params=KINDS)
def there(request):
    with pretend.device(request.param) as device:
        yield device


SAME = "Expected all tensors to be on the same device"
REFUSED = {  # what is done to x (3, 4) and k (2,) of the device
    "a sum": (SAME, RuntimeError, lambda x, k: x + torch.ones(4)),
    "a product of matrices": (SAME, RuntimeError, lambda x, k: torch.ones(2, 3) @ x),
    "cat": (SAME, RuntimeError, lambda x, k: torch.cat([x, torch.ones(3, 4)])),
    "stack with a number": (SAME, RuntimeError, lambda x, k: torch.stack([x[0, 0], torch.tensor(1.0)])),
    "where": (SAME, RuntimeError, lambda x, k: torch.where(x > 0, x, torch.zeros(3, 4))),
    "quantile": ("same device", RuntimeError, lambda x, k: torch.quantile(x, torch.tensor([0.5]))),
    "a network of the CPU": (SAME, RuntimeError, lambda x, k: nn.Linear(4, 2)(x)),
    "a number of the device beside a CPU tensor": (SAME, RuntimeError, lambda x, k: torch.ones(3) * x[0, 0]),
    "a number of the device into one of the CPU": (SAME, RuntimeError, lambda x, k: torch.tensor(1.0).add_(x[0, 0])),
    "values": (SAME, RuntimeError, lambda x, k: x.__setitem__(k, torch.ones(2, 4))),
    "CPU rows by indices of the device": ("indices should be", RuntimeError, lambda x, k: torch.ones(3)[k]),
    "numpy": ("to numpy", TypeError, lambda x, k: x.numpy()),
    "np.asarray": ("to numpy", TypeError, lambda x, k: np.asarray(x)),
    "np of a parameter": ("to numpy", TypeError, lambda x, k: np.asarray(nn.Parameter(x).detach())),
    "a CPU generator": ("for generator", RuntimeError, lambda x, k: torch.rand(2, device=x.device, generator=seeded())),
    "a CPU generator in place": ("type for generator", RuntimeError, lambda x, k: x.normal_(generator=seeded())),
    "a generator of the device on the CPU": (
        "type for generator",
        RuntimeError,
        lambda x, k: torch.randperm(4, generator=torch.Generator(x.device)),
    ),
    "a second device": ("invalid device ordinal", RuntimeError, lambda x, k: x.to(f"{x.device.type}:1")),
    "deepcopy of an answer": ("graph leaves", RuntimeError, lambda x, k: copy.deepcopy(x.requires_grad_() * 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_device_refuses_is_refused(there, name):
    words, kind, call = REFUSED[name]
    x, k = torch.arange(12.0, device=there).reshape(3, 4), torch.tensor([0, 2], device=there)
    with pytest.raises(kind, match=re.escape(words)):
        call(x, k)


WIDE = {
    "made": lambda x: torch.zeros(2, dtype=torch.float64, device=x.device),
    "made from numbers": lambda x: torch.tensor([1.0], dtype=torch.float64, device=x.device),
    "made by default": lambda x: torch.get_default_dtype() == torch.float64 or x.new_zeros(2, dtype=torch.float64),
    "moved": lambda x: torch.zeros(2, dtype=torch.float64).to(x.device),
    "moved by name": lambda x: torch.zeros(2, dtype=torch.float64).to("mps"),
    "doubled": lambda x: x.double(),
    "in the type of another": lambda x: x.to(torch.zeros((), dtype=torch.float64).dtype),
    "a CPU number in an operation": lambda x: torch.mul(x, torch.tensor(2.0, dtype=torch.float64)),
    "a network": lambda x: nn.Linear(2, 2).double().to(x.device),
}


@pytest.mark.parametrize("name", WIDE)
def test_mps_has_no_float64(name):
    with pretend.device("mps") as there, pytest.raises(TypeError, match="doesn't support float64"):
        WIDE[name](torch.ones(3, 4, device=there))
    with pretend.device("cuda") as there:
        if name != "moved by name":
            WIDE[name](torch.ones(3, 4, device=there))


PASSES = {  # the same on the CPU, and of the device
    "a CPU number": lambda x, k: x * torch.tensor(2.0) + torch.tensor(1),
    "numbers of Python": lambda x, k: 2.5 * x - 1,
    "CPU indices": lambda x, k: x[torch.tensor([2, 0])],
    "a CPU mask": lambda x, k: x[torch.tensor([True, False, True])],
    "its own indices": lambda x, k: x[k],
    "one of its own indices": lambda x, k: x[k[1]],
    "values by CPU indices": lambda x, k: x.clone().index_put_((torch.tensor([1]),), torch.tensor(7.0)),
    "copy_ from the CPU": lambda x, k: x.clone().copy_(torch.ones(3, 4)),
    "a half": lambda x, k: x.half() + 1,
    "new ones": lambda x, k: torch.cat([x.new_zeros(1), x.new_tensor([3.0]), torch.ones_like(x[0])]),
    "new ones of a value": lambda x, k: x.new_full((2,), 4),
    "a shape changed in place": lambda x, k: x.clone().unsqueeze_(0) + 1,
    "where with numbers": lambda x, k: torch.where(x > 3, 1.0, x),
    "clamp": lambda x, k: x.clamp(1, torch.tensor(5.0)),
    "a convolution": lambda x, k: torch.nn.functional.conv2d(x[None, None], torch.ones_like(x)[None, None, :2, :2]),
    "lerp": lambda x, k: torch.lerp(x, x + 1, x.new_tensor(0.25)),
    "views in place": lambda x, k: (y := x.clone(), y[0].mul_(3))[0],
    "as_tensor": lambda x, k: torch.as_tensor(x, dtype=torch.int64),
    "cdist": lambda x, k: torch.cdist(x, x + 1),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSES)
def test_what_a_device_lets_pass_passes_with_the_numbers_of_the_cpu(there, name):
    x, k = torch.arange(12.0).reshape(3, 4), torch.tensor([0, 2])
    expected = PASSES[name](x, k)
    found = PASSES[name](x.to(there), k.to(there))
    assert (found.device, found.is_cpu, found.is_meta) == (x.to(there).device, False, False)
    assert found.device.type == there.type
    assert found.dtype == expected.dtype
    assert found.cpu().equal(expected)


def test_ways_between_the_devices(there):
    x = torch.arange(3.0)
    y = x.to(there)
    assert y.to(there) is y.to(y) is y
    assert y.to(there, copy=True) is not y
    assert (y.cpu().device.type, y.to("cpu").device.type, torch.as_tensor(y, device="cpu").device.type) == ("cpu",) * 3
    assert y.tolist() == x.tolist()
    assert (y[1].item(), float(y[1]), int(y[1]), f"{y[1]:.1f}", bool(y[1])) == (1.0, 1.0, 1, "1.0", True)
    assert torch.tensor([y[1], 5.0]).equal(torch.tensor([1.0, 5.0])), "a list is read, and lies on the CPU"
    assert f"device='{there.type}:0'" in repr(y)
    assert x.copy_(2 * y).equal(torch.tensor([0.0, 2.0, 4.0]))
    assert x.to(y.half()).dtype == torch.float16
    one, other = torch.Generator(there).manual_seed(3), seeded(3)
    assert (one.device.type, other.device.type) == (there.type, "cpu")
    assert isinstance(one, torch.Generator)
    assert isinstance(torch.default_generator, torch.Generator)
    assert torch.randn(4, device=there, generator=one).cpu().equal(torch.randn(4, generator=other))


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 1))


def trained(net, x, optimiser, **options):
    """Five steps of an optimiser: the weights and gradients that they leave, on the CPU."""
    optimiser = optimiser(net.parameters(), lr=0.1, **options)
    for _ in range(5):
        optimiser.zero_grad()
        net(x).square().mean().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        optimiser.step()
    return [part.detach().cpu() for weight in net.parameters() for part in (weight, weight.grad)]


@pytest.mark.parametrize(
    ("optimiser", "options"),
    [(torch.optim.SGD, {"momentum": 0.9}), (torch.optim.Adam, {}), (torch.optim.AdamW, {"fused": True})],
)
def test_networks_move_learn_copy_and_load_as_on_the_cpu(there, optimiser, options):
    x = torch.randn(5, 4, generator=seeded())
    on_cpu = trained(network(), x, optimiser, **options)
    net = network().to(there)
    assert {weight.device.type for weight in net.parameters()} == {there.type}
    assert all(isinstance(weight, nn.Parameter) and weight.requires_grad for weight in net.parameters())
    assert all(a.equal(b) for a, b in zip(trained(net, x.to(there), optimiser, **options), on_cpu, strict=True))
    twin = copy.deepcopy(net)
    assert isinstance(twin[0].weight, nn.Parameter)
    with torch.no_grad():
        twin[0].weight.zero_()
    assert net[0].weight.any()
    twin.load_state_dict(net.state_dict())
    assert twin[0].weight.equal(net[0].weight)
    twin.load_state_dict({name: weight.cpu() for name, weight in network().state_dict().items()})
    assert twin.cpu()[0].weight.equal(network()[0].weight)


def test_gradients_cross_from_the_device_to_the_cpu(there):
    w = torch.ones(2, requires_grad=True)
    (w.to(there) * 3).sum().cpu().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_autocast_multiplies_in_fewer_digits(there):
    net, x = network().to(there), torch.ones(5, 4, device=there)
    with torch.autocast(there.type, dtype=torch.float16):
        low = net(x)
        assert low.dtype == (x @ x.T).dtype == torch.float16
        assert low.softmax(0).dtype == torch.float32
    assert net(x).dtype == torch.float32
    low.float().sum().backward()
    assert net[0].weight.grad.dtype == torch.float32


WAITS = {
    "item": lambda x: x[0].item(),
    "bool": lambda x: bool((x > 0).all()),
    "int": lambda x: int(x[1]),
    "format": lambda x: f"{x[1]:.2f}",
    "tolist": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "to": lambda x: x.to("cpu", torch.float64),
    "nonzero": lambda x: x.nonzero(),
    "a mask": lambda x: x[x > 1],
    "an index of no dimension": lambda x: x[x.argmax()],
    "equal": lambda x: torch.equal(x, x),
    "allclose": lambda x: torch.allclose(x, x),
    "copy_": lambda x: torch.zeros(3).copy_(x),
    "isnan in a condition": lambda x: 1 if x.isnan().any() else 0,
}
NO_WAITS = {
    "arithmetic": lambda x: (2 * x + x.mean()).softmax(0),
    "rows": lambda x: x[torch.tensor([0, 1])],
    "take": lambda x: x.take(x.argmax()),
    "moving there": lambda x: torch.ones(3).to(x.device),
    "a change of type": lambda x: x.half(),
    "the shape": lambda x: (len(x), x.shape, x.device, x.dtype),
}


def test_waits_are_counted_with_their_place(there):
    x = torch.arange(3.0, device=there)
    for name, wait in WAITS.items():
        with pretend.reads() as reads:
            wait(x)
        assert len(reads) == 1, (name, reads)
        assert "test_pretend.py" in reads[0]
    for name, work in NO_WAITS.items():
        with pretend.reads() as reads:
            work(x)
        assert reads == [], name
    with pretend.reads() as reads:
        torch.ones(3).tolist()
    assert reads == []


def test_after_it_nothing_is_left():
    before = torch.Generator, torch.compile, torch.cuda.is_available(), torch.backends.mps.is_available()
    for kind in KINDS:
        with pretend.device(kind):
            assert (torch.cuda.is_available(), torch.backends.mps.is_available()) == (kind == "cuda", kind == "mps")
            assert torch.cuda.device_count() == (kind == "cuda")
    assert before == (torch.Generator, torch.compile, torch.cuda.is_available(), torch.backends.mps.is_available())
    assert torch.zeros(1).add(1).numpy() == 1
    with pytest.raises(ValueError, match="cuda and mps"), pretend.device("xpu"):
        pass


@both
def test_a_program_begins_with_it(kind):
    """As a lesson does: it is switched on before anything else is imported."""
    program = f"""
import pretend; pretend.on({kind!r})
import torch
from course import env
x = torch.ones(2, device={kind!r})
print(x.device, env.usable({kind!r}), env.device())
pretend.off()
print(torch.ones(2).device)
"""
    done = run(sys.executable, "-c", program, env={"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{kind}:0", kind, "cuda" if kind == "cuda" else "cpu", "cpu"]

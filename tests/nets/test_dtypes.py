"""Networks in other dtypes: they compute in that of their weights, and answer in that of what they are given."""

import pytest
import torch
from helpers import open_up, seeded

from course.models import as_eps, cfg
from course.nets import MLP, Classifier, UNet
from course.samplers import ddim, ddpm, last
from course.schedules import linear

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
NETS = {
    "UNet": (lambda: UNet(1, 16), (1, 8, 8), False),
    "UNet with patches and labels": (lambda: UNet(3, 8, (1, 2, 2), patch=2, num_classes=3), (3, 8, 8), True),
    "MLP": (lambda: MLP(2, 8), (2,), False),
    "MLP with labels": (lambda: MLP(2, 8, 3), (2,), True),
}
TIMES, LABELS = torch.tensor([1, 40, 700, 1000]), torch.tensor([-1, 0, 2, 1])


def made(name):
    """A network with random weights everywhere, not too large for float16, and what it is asked, in float64."""
    build, shape, knows = NETS[name]
    net = open_up(build())
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(0.3)
    x = torch.randn(4, *shape, generator=seeded(), dtype=torch.float64)
    return net, x, (LABELS,) if knows else ()


@pytest.mark.parametrize("of_x", DTYPES)
@pytest.mark.parametrize("of_weights", DTYPES)
@pytest.mark.parametrize("name", NETS)
def test_a_network_of_any_dtype_answers_in_that_of_x(name, of_weights, of_x):
    net, x, cond = made(name)
    right = net.double()(x, TIMES, *cond)
    found = net.to(of_weights)(x.to(of_x), TIMES, *cond)
    assert found.dtype == of_x
    digits = max(torch.finfo(of_weights).eps, torch.finfo(of_x).eps)
    assert (found.double() - right).abs().max() <= 60 * digits * right.abs().max()


@pytest.mark.parametrize("of_x", DTYPES)
@pytest.mark.parametrize("of_weights", DTYPES)
def test_a_classifier_of_any_dtype(of_weights, of_x):
    torch.manual_seed(0)
    net, x = Classifier(1, 8).eval(), torch.rand(4, 1, 8, 8, generator=seeded(), dtype=torch.float64)
    right = net.double()(x), net.features(x)
    found = net.to(of_weights)(x.to(of_x)), net.features(x.to(of_x))
    digits = max(torch.finfo(of_weights).eps, torch.finfo(of_x).eps)
    for a, b in zip(found, right, strict=True):
        assert a.dtype == of_x
        assert (a.double() - b).abs().max() <= 60 * digits * b.abs().max()


@pytest.mark.parametrize("sampler", [ddim, ddpm])
def test_a_walk_in_float64_over_a_network_in_float32(sampler):
    """As Karras et al. 2206.00364 do: the state keeps its digits, whatever the network computes in."""
    net, x, cond = made("UNet with patches and labels")
    net.requires_grad_(False)
    asked = []

    def spied(x, t, cond):
        asked.append((x.dtype, net.enter.weight.dtype))
        return net(x, t, cond)

    walks = {}
    for name, model in (("float32", spied), ("float64", None)):
        if model is None:
            model = net.double()
        guided = cfg(as_eps(model, linear(), "v"), 2.0)
        walks[name] = last(sampler(guided, linear(), x, linear().grid(5), cond=cond[0], generator=seeded(1)))
        assert walks[name].dtype == torch.float64
    assert set(asked) == {(torch.float64, torch.float32)}
    torch.testing.assert_close(walks["float32"], walks["float64"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_goes_in_comes_out_of_a_walk(dtype):
    net, x, _ = made("UNet")
    x = x.to(dtype)
    for sampler in (ddim, ddpm):
        end = last(sampler(as_eps(net, linear(), "v"), linear(), x, linear().grid(4), generator=seeded(1)))
        assert end.dtype == dtype
        assert end.isfinite().all()


@pytest.mark.parametrize("of_x", DTYPES)
@pytest.mark.parametrize("of_weights", [torch.float64, torch.float32, torch.bfloat16])
def test_the_text_to_latent_network_of_any_dtype(of_weights, of_x):
    from course.pipelines import TextToLatent, load_pipeline, token_ids

    pipe = load_pipeline(device="cpu")
    ids = token_ids(pipe, ["a red circle", ""])
    net = TextToLatent(pipe).eval().requires_grad_(False)
    z, t = torch.randn(2, 4, 8, 8, generator=seeded(), dtype=torch.float64), torch.tensor([30, 900])
    right = net.double()(z, t, ids)
    found = net.to(of_weights)(z.to(of_x), t, ids)
    assert found.dtype == of_x
    digits = max(torch.finfo(of_weights).eps, torch.finfo(of_x).eps)
    assert (found.double() - right).abs().max() <= 100 * digits * right.abs().max()

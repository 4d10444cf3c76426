"""The U-Net: silent at first, indifferent to the order of a batch, and the same again from its configuration."""

import pytest
import torch
from helpers import normal, open_up, refused

from course import NULL
from course.nets import UNet

SHAPES = {  # name: (arguments of UNet, height, width, height and width at the bottom)
    "digits": ({"channels": 1, "width": 8}, 8, 8, (4, 4)),
    "28 in patches of 4": ({"channels": 1, "width": 8, "patch": 4}, 28, 28, (4, 4)),  # by way of 7 x 7
    "28 in patches of 2": ({"channels": 1, "width": 8, "patch": 2}, 28, 28, (7, 7)),
    "28, three levels": ({"channels": 1, "width": 8, "mults": (1, 2, 2), "patch": 2}, 28, 28, (4, 4)),
    "three levels, two blocks": ({"channels": 3, "width": 8, "mults": (1, 2, 2), "blocks": 2}, 16, 16, (4, 4)),
    "one level": ({"channels": 2, "width": 8, "mults": (1,)}, 6, 6, (6, 6)),
    "not square": ({"channels": 1, "width": 8, "patch": 2}, 12, 22, (3, 6)),
}


TIMES = torch.tensor([1, 50, 500.5, 1000])


@pytest.mark.parametrize("name", SHAPES)
def test_pictures_come_out_as_large_as_they_went_in_by_way_of_the_bottom(name):
    arguments, height, width, bottom = SHAPES[name]
    net, sizes = UNet(**arguments), []
    net.middle[1].register_forward_hook(lambda _, inputs, output: sizes.extend([inputs[0].shape, output.shape]))
    x = normal(4, arguments["channels"], height, width).float()
    assert net(x, TIMES).equal(torch.zeros_like(x))  # silent before training
    assert [tuple(size[-2:]) for size in sizes] == [bottom, bottom]
    assert sizes[0][1] == 8 * arguments.get("mults", (1, 2))[-1]
    answer = open_up(net)(x, TIMES)
    assert answer.shape == x.shape
    assert answer.std() > 0.01


def test_no_layer_of_a_network_with_patches_works_at_full_resolution():
    net, sizes = UNet(1, 8, patch=4), []
    for layer in net.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda _, inputs, output: sizes.append(max(*inputs[0].shape[-2:])))
    net(normal(2, 1, 28, 28).float(), TIMES[:2])
    assert len(sizes) > 10
    assert max(sizes) == 7


@pytest.mark.parametrize("patch", [1, 2])
def test_a_batch_equals_its_pictures_one_by_one_in_any_order(patch):
    net = open_up(UNet(1, 8, patch=patch, num_classes=3))
    x, y = normal(4, 1, 8, 8).float(), torch.tensor([2, NULL, 0, 1])
    together = net(x, TIMES, y)
    alone = torch.cat([net(x[i : i + 1], TIMES[i : i + 1], y[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(net(x[order], TIMES[order], y[order]), together[order], rtol=1e-4, atol=1e-5)
    channels_last = net(x.contiguous(memory_format=torch.channels_last), TIMES, y)
    torch.testing.assert_close(channels_last, together, rtol=1e-4, atol=1e-5)


def test_time_label_and_picture_all_count_and_no_label_is_null():
    net, x, y = open_up(UNet(1, 8, num_classes=3)), normal(4, 1, 8, 8).float(), torch.tensor([2, 0, 0, 1])
    answer = net(x, TIMES, y)
    others = net(x, TIMES + 1, y), net(x, TIMES, (y + 1) % 3), net(x.flip(0), TIMES, y), net(x, TIMES)
    for other in others:
        assert (answer - other).abs().amax((1, 2, 3)).min() > 1e-3
    assert net(x, TIMES).equal(net(x, TIMES, torch.full((4,), NULL)))


def test_what_fits_no_network_is_refused():
    x, t = normal(4, 1, 28, 28).float(), TIMES
    with refused(ValueError, r"\(28, 28\) cannot be cut into patches of 3"):
        UNet(1, 8, patch=3)(x, t)
    with refused(ValueError, r"\(28, 26\) cannot be cut into patches of 4"):
        UNet(1, 8, patch=4)(x[..., :26], t)
    with refused(ValueError, "knows no labels"):
        UNet(1, 8)(x, t, torch.zeros(4, dtype=torch.long))
    for labels in (torch.full((4,), 3), torch.full((4,), -2), torch.zeros(4)):
        with refused(ValueError, "whole numbers from -1"):
            UNet(1, 8, num_classes=3)(x, t, labels)


@pytest.mark.parametrize("width", [8, 10, 24, 50, 80])
def test_every_even_width_gives_a_network_that_runs(width):
    x = normal(2, 1, 8, 8).float()
    assert UNet(1, width)(x, TIMES[:2]).equal(torch.zeros_like(x))


def test_an_odd_width_is_refused_when_the_network_is_built():
    with refused(ValueError, "even"):
        UNet(1, 25)


def test_the_configuration_builds_the_same_network_again():
    net = UNet(3, 8, (1, 2, 3), patch=2, num_classes=5, blocks=2)
    again = UNet(**net.config)  # and load_state_dict checks every name and shape
    again.load_state_dict(open_up(net).state_dict())
    x = normal(4, 3, 8, 8).float()
    assert again(x, TIMES).equal(net(x, TIMES))

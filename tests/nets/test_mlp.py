"""The network for points: silent at first, and each point for itself."""

import pytest
import torch
from helpers import normal, open_up

from course import NULL
from course.nets import MLP


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_an_mlp_prints_zero_before_it_is_trained_and_something_after(dim):
    net, x, t = MLP(dim, 8), normal(4, dim).float(), torch.tensor([1, 10, 100, 1000])
    assert net(x, t).equal(torch.zeros(4, dim))
    assert open_up(net)(x, t).std() > 0.01


def test_a_batch_of_points_equals_its_points_one_by_one():
    net, x, t, y = open_up(MLP(2, 8, 3)), normal(4, 2).float(), torch.tensor([1, 10, 100, 1000]), torch.arange(-1, 3)
    together = net(x, t, y)
    alone = torch.cat([net(x[i : i + 1], t[i : i + 1], y[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(net(x, t), net(x, t, torch.full((4,), NULL)), rtol=0, atol=0)
    assert not together[1:].allclose(net(x, t)[1:])

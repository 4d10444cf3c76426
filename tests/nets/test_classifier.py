"""The classifier: features that it reads its answer off."""

import pytest
import torch
import torch.nn.functional as F
from helpers import normal, scans

from course.data import load
from course.nets import Classifier


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 9, 5)])
def test_a_classifier_has_128_features_and_reads_its_answer_off_them(shape):
    net, x = Classifier(shape[0], 4, num_classes=7).eval(), normal(5, *shape).float()
    features = net.features(x)
    assert features.shape == (5, 128)
    assert (features >= 0).all()
    assert (features > 0).any()
    torch.testing.assert_close(net(x), F.linear(features, net.head.weight, net.head.bias))
    assert net(x).shape == (5, 7)
    torch.testing.assert_close(net(x[2:3]), net(x)[2:3])  # in eval(), others in the batch do not count


def test_a_classifier_learns_to_read():
    torch.manual_seed(0)
    x, y = scans(200, torch.float32), load("digits", "all")[1][:200]
    net = Classifier(1, 8)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(25):
        chosen = torch.arange(50) + 50 * (step % 3)
        optimiser.zero_grad()
        F.cross_entropy(net(x[chosen]), y[chosen]).backward()
        optimiser.step()
    assert (net.eval()(x[150:]).argmax(1) == y[150:]).float().mean() > 0.5  # scans that it never saw; chance is 0.1

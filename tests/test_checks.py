"""The guards: what is right passes, what is wrong is named in one line that says what is right."""

import pretend
import pytest
import torch
from helpers import normal, refused

from course.checks import clean_pictures, floating, holds, same_shape, trusting


def test_what_is_right_passes():
    same_shape(normal(3, 2), normal(3, 2, seed=1), "x and eps")
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        floating(torch.zeros(2, dtype=dtype))
        clean_pictures(torch.ones(2, 1, 4, 4, dtype=dtype))
    clean_pictures(-torch.ones(2, 3, 4, 4) - 1e-5)  # rounding is no fault
    clean_pictures(9 * torch.ones(5, 2))  # points
    clean_pictures(9 * torch.ones(5, 4, 8, 8))  # latents


@pytest.mark.parametrize("other", [(2, 3), (3,), (3, 1), ()])
def test_shapes_that_would_broadcast_are_named(other):
    with refused(ValueError, r"x0 and eps must have one shape, but are \(3, 2\) and"):
        same_shape(torch.zeros(3, 2), torch.zeros(other), "x0 and eps")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_bytes_are_no_pictures(dtype):
    for guard in (floating, clean_pictures):
        with refused(TypeError, "floating point.*divide bytes by 127.5, less 1"):
            guard(torch.zeros(2, 1, 4, 4, dtype=dtype))


@pytest.mark.parametrize("value", [1.01, -2.0, 255.0, float("nan")])
def test_pictures_in_another_unit_are_named(value):
    with refused(ValueError, r"must lie in \[-1, 1\], but run from"):
        clean_pictures(torch.full((2, 3, 4, 4), value))


def test_a_condition_is_looked_at_except_on_a_gpu_where_it_is_trusted():
    right, wrong = torch.tensor([True, True]), torch.tensor([True, False])
    with pretend.device("cuda") as there, pretend.reads() as reads:
        assert (holds(right.to(there)), holds(wrong.to(there))) == (True, False)
        assert len(reads) == 2
        with trusting():
            assert (holds(right.to(there)), holds(wrong.to(there))) == (True, True)
            assert (holds(right), holds(wrong)) == (True, False)  # a look at the CPU costs nothing
            with trusting():
                pass
            assert holds(wrong.to(there))
        assert len(reads) == 2
        with pytest.raises(KeyError), trusting():
            raise KeyError
        assert not holds(wrong.to(there))

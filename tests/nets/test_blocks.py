"""The parts of the U-Net: they begin as nothing, and equal their references."""

import pytest
import torch
import torch.nn.functional as F
from helpers import normal, open_up

from course.nets import Attention, ResBlock
from course.nets.blocks import attend


def test_attend_equals_torch_and_its_formula():
    q, k, v = (normal(2, 3, 5, 4, seed=seed) for seed in range(3))  # (B, heads, N, D)
    torch.testing.assert_close(attend(q, k, v), F.scaled_dot_product_attention(q, k, v), rtol=1e-10, atol=1e-10)
    weights = torch.tensor([(q[1, 2, 3] @ k[1, 2, j]).exp() ** 0.5 for j in range(5)]).double()  # D = 4
    torch.testing.assert_close(attend(q, k, v)[1, 2, 3], (weights / weights.sum()) @ v[1, 2])


@pytest.mark.parametrize(("channels", "heads"), [(16, 1), (32, 1), (64, 2), (96, 3)])
def test_attention_equals_that_of_torch(channels, heads):
    block = open_up(Attention(channels)).double()
    assert block.heads == heads
    theirs = torch.nn.MultiheadAttention(channels, heads, batch_first=True, dtype=torch.float64).eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(block.qkv.weight[..., 0, 0])
        theirs.in_proj_bias.copy_(block.qkv.bias)
        theirs.out_proj.weight.copy_(block.out.weight[..., 0, 0])
        theirs.out_proj.bias.copy_(block.out.bias)
    x = normal(2, channels, 3, 5)
    places = block.norm(x).flatten(2).transpose(1, 2)  # (B, H W, C)
    mixed = theirs(places, places, places)[0].transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(block(x), x + mixed, rtol=1e-9, atol=1e-9)


def test_attention_begins_as_nothing_and_knows_no_places():
    x = normal(2, 16, 3, 5).float()
    assert Attention(16)(x).equal(x)
    block, order = open_up(Attention(16)), torch.randperm(15)
    moved = block(x.flatten(2)[..., order].reshape(x.shape)).flatten(2)
    torch.testing.assert_close(moved, block(x).flatten(2)[..., order])


def test_a_block_begins_as_its_shortcut_and_is_its_formula_after():
    x, told = normal(3, 8, 4, 4).float(), normal(3, 12).float()
    assert ResBlock(8, 8, 12)(x, told).equal(x)
    wider = ResBlock(8, 16, 12)
    assert wider(x, told).equal(wider.short(x))
    block = open_up(wider)
    h = F.conv2d(F.silu(F.group_norm(x, 1, *block.norm1.parameters())), *block.conv1.parameters(), padding=1)
    scale, shift = F.linear(told, *block.film.parameters()).reshape(3, 2, 16, 1, 1).unbind(1)
    h = F.silu(F.group_norm(h, 1, *block.norm2.parameters()) * (1 + scale) + shift)
    expected = F.conv2d(x, *block.short.parameters()) + F.conv2d(h, *block.conv2.parameters(), padding=1)
    torch.testing.assert_close(block(x, told), expected, rtol=1e-4, atol=1e-4)

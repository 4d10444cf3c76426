"""What goes into the sandbox and comes out of it: numbers there and back, and nothing else."""

import base64
import json

import pytest
import torch
from helpers import normal

from course.teaching.grading import wire


def there_and_back(value):
    return wire.decoded(json.loads(json.dumps(wire.encoded(value))))


@pytest.mark.parametrize("kind", wire.KINDS.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 4), (2, 3, 4)], ids=str)
def test_tensors_come_back_as_they_were(kind, shape):
    value = (5 * normal(*shape)).to(kind)
    back = there_and_back(value)
    assert back.dtype == kind
    assert torch.equal(back, value)


@pytest.mark.parametrize("value", [0, -3, 2**70, 0.1, 1e-300, True, None, "a\nb", "각"])
def test_numbers_and_texts_come_back_as_they_were(value):
    back = there_and_back(value)
    assert (back, type(back)) == (value, type(value))


def test_numbers_that_are_none_come_back_too():
    value = torch.tensor([torch.nan, torch.inf, -torch.inf])
    assert torch.equal(there_and_back(value).isnan(), value.isnan())
    assert torch.equal(there_and_back(value)[1:], value[1:])


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.T,
        lambda x: x[:, ::2],
        lambda x: x.expand(2, 3, 4),
        lambda x: (x + 0j).conj(),
        lambda x: x.requires_grad_(),
    ],
)
def test_views_are_sent_as_what_they_show(view):
    value = view(normal(3, 4))
    assert torch.equal(there_and_back(value), value)


@pytest.mark.parametrize("value", [object(), [1], b"bytes", torch.float32, torch.zeros(2, dtype=torch.uint16)])
def test_nothing_else_is_sent(value):
    with pytest.raises(TypeError, match="not sent"):
        wire.encoded(value)


def words(**changed):
    return {"dtype": "float32", "shape": [2], "data": base64.b64encode(bytes(8)).decode()} | changed


@pytest.mark.parametrize(
    "found",
    [
        {},
        [],
        words(dtype="object"),
        words(dtype="torch.float32"),
        words(dtype=None),
        words(shape=[3]),
        words(shape=[-1, -2]),
        words(shape=[2.0]),
        words(shape=[True, 2]),
        words(shape="2"),
        words(shape=[1 << 40, 0]),
        words(shape=[1] * 60 + [2]),
        words(shape=[[2]]),
        words(data="!!!"),
        words(data=5),
        words(dtype="bool", shape=[8], data=base64.b64encode(b"\2" * 8).decode()),
    ],
    ids=str,
)
def test_what_no_tensor_gives_is_refused(found):
    with pytest.raises((ValueError, TypeError, KeyError)):
        wire.decoded(found)


def test_a_recorder_notes_what_is_done_with_it():
    wire.LOG.clear()
    library = wire.decoded({"root": "library"})
    with library.mode("a", n=2) as thing:
        thing.part = library.other
        [one] = thing[0].images
    assert wire.LOG == [
        ["root", "library"],
        ["get", 0, "mode"],
        ["call", 1, [{"path": "a", "folder": True}], {"n": {"plain": 2}}],
        ["enter", 2],
        ["get", 0, "other"],
        ["set", 3, "part", {"step": 4}],
        ["item", 3, {"plain": 0}],
        ["get", 6, "images"],
        ["item", 7, {"plain": 0}],
        ["leave", 2],
    ]
    assert wire.plain(one) == {"step": 8}


def test_what_is_given_to_a_recorder_is_noted_as_far_as_it_matters(tmp_path):
    assert wire.plain(torch.float16) == {"dtype": "float16"}
    assert wire.plain(torch.device("cuda")) == {"path": "cuda", "folder": False}
    assert wire.plain(torch.Generator().manual_seed(7)) == {"seed": 7}
    assert wire.plain(tmp_path / "a.png") == {"path": str(tmp_path / "a.png"), "folder": True}
    assert wire.plain(tmp_path / "no/a.png")["folder"] is False
    assert wire.plain([1, "b"]) == {"list": [{"plain": 1}, {"path": "b", "folder": True}]}
    assert wire.plain(object()) == {"type": "object"}

"""The benchmark's arithmetic: ratios within a round, every contender in every round, and a turning order."""

import sys

from conftest import ROOT

sys.path.append(str(ROOT / "benchmarks"))
import exact


def test_ratios_are_taken_within_a_round():
    found = exact.ratios({"usual": [1.0, 2.0, 4.0], "other": [3.0, 6.0, 12.0], "noisy": [1.0, 4.0, 4.0]})
    assert found["usual"] == (1, 1, 1)
    assert found["other"] == (3, 3, 3)
    assert found["noisy"][0] == 1
    assert found["noisy"][2] > 1.5


def test_every_contender_takes_its_turn():
    calls = []
    contenders = {name: lambda name=name: calls.append(name) or 1.0 for name in "abc"}
    seconds = exact.measure(contenders, rounds=3)
    assert seconds == {name: [1.0] * 3 for name in "abc"}
    assert "".join(calls) == "abc" + "abc" + "bca" + "cab"


def test_a_walk_can_be_measured():
    assert 0 < exact.walk(steps=2) < 60

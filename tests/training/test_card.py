"""The card: a record that JSON carries there and back, and that refuses what it does not know."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest
from helpers import refused

from course.training.card import Card

FULL = Card(
    net={"kind": "UNet", "width": 8, "num_classes": 4},
    prints="v",
    schedule="cosine, T = 10",
    shape=(1, 8, 8),
    data="digits",
    recipe={"steps": 3, "lr": 1e-3, "mults": [1, 2]},
    step=3,
    seconds=0.5,
    device="a CPU",
    threads=1,
    torch="2.6",
    metrics={"loss": [0.1, 0.2]},
    note="두 줄\n",
)


@pytest.mark.parametrize("card", [FULL, Card(), replace(FULL, seconds=3, note="")])
def test_json_carries_a_card_there_and_back(card):
    text = card.to_json()
    assert "\n" not in text
    assert Card.from_json(text) == card
    assert Card.from_json(text).to_json() == text


def test_what_is_empty_is_left_out():
    assert Card().to_json() == "{}"
    assert json.loads(replace(Card(), step=0).to_json()) == {"step": 0}


def test_a_card_is_a_record():
    with pytest.raises(FrozenInstanceError):
        FULL.data = "mnist"
    assert (FULL.classes, Card().classes) == (4, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "the card is no JSON"),
        ("[" * 100_000, "the card is no JSON"),
        (None, "the card is no JSON"),
        ("[1]", "the card is list, not a table"),
        ("null", "the card is NoneType, not a table"),
        ('{"speed": 3}', "the card tells of 'speed', which this version does not know"),
        ('{"shape": 3}', "the card's shape cannot be 3"),
        ('{"recipe": [1]}', r"the card's recipe cannot be \[1\]"),
        ('{"step": "three"}', "the card's step cannot be 'three'"),
        ('{"net": "UNet"}', "the card's net cannot be 'UNet'"),
    ],
)
def test_what_is_no_card_is_refused(text, says):
    with refused(ValueError, says):
        Card.from_json(text)


def test_the_card_of_stored_latents_of_version_0_1_is_read():
    assert Card.from_json('{"latents": 300}') == Card(recipe={"latents": 300})
    assert Card.from_json('{"latents": 300, "recipe": {"seed": 1}}').recipe == {"seed": 1, "latents": 300}

"""Pictures as pixels: every one in its place, in grids, in images and in animations."""

import io

import numpy as np
import pytest
import torch
from helpers import refused, scans
from PIL import Image

from course.viz import animate, grid_array, grid_image


def test_the_pixels_of_a_grid_are_in_their_places():
    rows = [scans(3), -scans(2)]
    canvas = grid_array(rows, gap=2)
    assert canvas.shape == (8 + 2 + 8, 3 * 8 + 2 * 2, 3)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            tile = canvas[i * 10 : i * 10 + 8, j * 10 : j * 10 + 8]
            for channel in range(3):
                np.testing.assert_allclose(tile[..., channel], picture[0] / 2 + 0.5)
    assert (canvas[8:10] == 1).all()
    assert (canvas[:, 8:10] == 1).all()
    assert (canvas[10:, 20:] == 1).all()  # the second row is one short


def test_colours_of_pixels_keep_their_channels():
    red = torch.full((1, 3, 2, 2), -1.0)
    red[:, 0] = 1.0
    assert (grid_array([red]) == [1.0, 0.0, 0.0]).all()


def test_beyond_white_is_white_and_beyond_black_black():
    noisy = torch.tensor([-7.0, -1.0, 0.0, 1.0, 7.0]).reshape(1, 1, 1, 5)
    assert grid_array([noisy])[0, :, 0].tolist() == [0, 0, 0.5, 1, 1]
    assert noisy.abs().max() == 7  # the picture itself is untouched


def test_a_picture_with_gradients_or_of_any_kind_of_array_can_be_shown():
    expected = grid_array([scans(2)])
    np.testing.assert_allclose(grid_array([scans(2).requires_grad_()]), expected)
    np.testing.assert_allclose(grid_array([scans(2).numpy()]), expected)
    np.testing.assert_allclose(grid_array(scans(2)[None]), expected)


def test_grid_image_is_the_grid_in_bytes():
    image = grid_image(scans(10), columns=4, scale=3)
    assert image.size == ((4 * 8 + 3) * 3, (3 * 8 + 2) * 3)
    pixels = np.asarray(image)[::3, ::3]
    expected = grid_array([scans(10)[k : k + 4] for k in (0, 4, 8)])
    np.testing.assert_allclose(pixels, expected * 255, atol=0.51)


def test_an_animation_has_a_frame_for_each_state_and_rests_on_the_last():
    gif = animate((scans(4) * k / 5 for k in range(6)), columns=2, ms=50, rest=700)
    film = Image.open(io.BytesIO(gif))
    assert gif.startswith(b"GIF")
    assert film.n_frames == 6
    times = []
    for k in range(6):
        film.seek(k)
        times.append(film.info["duration"])
        np.testing.assert_allclose(
            np.asarray(film.convert("RGB")), np.asarray(grid_image(scans(4) * k / 5, columns=2)), atol=8
        )
    assert times == [50] * 5 + [700]
    assert film.info["loop"] == 0  # for ever


@pytest.mark.parametrize(
    "rows",
    [[scans(2)[0]], [scans(2)[:, :, :, 0]], [torch.zeros(2, 2, 8, 8)], [scans(2), torch.zeros(2, 1, 4, 4)], []],
    ids=["one picture", "no columns", "two channels", "two sizes", "nothing"],
)
def test_what_is_no_row_of_pictures_is_refused(rows):
    with refused(ValueError, r"\(N, 1 or 3, H, W\)"):
        grid_array(rows)


def test_bytes_are_no_pictures_in_minus_one_to_one():
    with refused(TypeError, "divide bytes by 127.5"):
        grid_array([torch.randint(256, (2, 1, 8, 8), dtype=torch.uint8)])


def test_an_animation_of_nothing_is_refused():
    with refused(ValueError, "at least one"):
        animate([])

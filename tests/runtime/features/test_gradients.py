import numpy as np
import pytest
from automl_runtime.features.gradients import oriented_gradients


def ramp(angle, side=64):
    """Light that rises in the direction `angle`, in degrees."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    return (0.4 * (x * np.cos(np.deg2rad(angle)) + y * np.sin(np.deg2rad(angle))) + 0.5).astype(np.float32)


def slow_votes(picture, orientations):
    """What every pixel votes for, one after the other."""
    side = len(picture)
    votes = np.zeros((side, side, orientations))
    for y in range(side):
        for x in range(side):
            down = picture[min(y + 1, side - 1), x] - picture[max(y - 1, 0), x]
            right = picture[y, min(x + 1, side - 1)] - picture[y, max(x - 1, 0)]
            place = np.arctan2(down, right) % np.pi / np.pi * orientations
            lower = int(place)
            votes[y, x, lower % orientations] += np.hypot(down, right) * (1 - (place - lower))
            votes[y, x, (lower + 1) % orientations] += np.hypot(down, right) * (place - lower)
    return votes


@pytest.mark.parametrize(("angle", "place"), [(0, 0), (40, 2), (90, 4.5), (160, 8), (180, 0), (220, 2)])
def test_the_bin_of_the_direction_gets_the_votes(angle, place):
    found = oriented_gradients(ramp(angle)[None], (8,), 9).reshape(8, 8, 9)[2:6, 2:6].reshape(16, 9)
    expected = np.maximum(1 - np.abs(np.arange(9) - place), 0)
    assert np.allclose(found / found.max(axis=1, keepdims=True), expected / expected.max(), atol=0.02)


def test_votes_are_those_of_a_loop_over_pixels():
    from automl_runtime.features.gradients import _votes

    picture = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    assert np.allclose(_votes(picture[None], 9)[0], slow_votes(picture, 9), atol=1e-5)


def test_neither_light_nor_contrast_counts():
    picture = np.random.default_rng(0).random((1, 64, 64), dtype=np.float32)
    one, other = (oriented_gradients(each, (4, 8), 9) for each in (picture, picture * 0.5 + 0.2))
    assert np.allclose(one, other, atol=1e-3)


def test_a_picture_of_one_colour_has_no_edges():
    assert not oriented_gradients(np.full((1, 64, 64), 0.3, dtype=np.float32), (4, 8), 9).any()


def test_pictures_do_not_look_at_each_other():
    pictures = np.random.default_rng(0).random((5, 64, 64), dtype=np.float32)
    whole = oriented_gradients(pictures, (4, 8), 9)
    assert whole.shape == (5, (16 + 64) * 9)
    assert np.allclose(whole[3:4], oriented_gradients(pictures[3:4], (4, 8), 9), atol=1e-6)

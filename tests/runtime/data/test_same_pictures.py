"""Pictures that show the same are told apart from those that only look alike."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.data.pictures import read_picture
from automl_runtime.data.same_pictures import groups_of_same, signature
from pictures import shape, to_bytes


def seen(image, name="PNG", **options):
    return signature(read_picture(to_bytes(np.asarray(image), name=name, **options)))


def test_a_picture_saved_again_is_the_same():
    rng = np.random.default_rng(0)
    large = shape("circle", rng).resize((120, 120))
    again = [seen(large), seen(large, "JPEG", quality=60), seen(large.resize((90, 90))), seen(large, "BMP")]
    others = [seen(shape("circle", rng)) for _ in range(6)]
    assert groups_of_same([again[0], *others[:3], *again[1:], *others[3:]]).tolist() == [
        0, 1, 2, 3, 0, 0, 0, 4, 5, 6,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["circle", "square"])
def test_pictures_of_one_kind_are_different(kind):
    rng = np.random.default_rng(1)
    assert len(set(groups_of_same([seen(shape(kind, rng)) for _ in range(30)]).tolist())) == 30


def test_pale_pictures_are_compared_by_what_little_they_show():
    pale = np.full((64, 64, 3), 250, dtype=np.uint8)
    spot = pale.copy()
    spot[10:20, 10:20] -= 3
    assert groups_of_same([seen(pale), seen(spot), seen(pale)]).tolist() == [0, 1, 0]


@pytest.mark.parametrize("count", [0, 1])
def test_few_pictures_have_their_own_group(count):
    assert groups_of_same([np.zeros(768, dtype=np.float32)] * count).tolist() == [0] * count

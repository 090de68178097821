import numpy as np
from automl_runtime.data.pictures import read_picture
from automl_runtime.features.pictures import COPIES, PICTURE_WIDTH, SHAPE_WIDTH, describe, describe_copies
from pictures import stripes, to_bytes

PIXELS = stripes(30, np.random.default_rng(0), tint=(1.0, 0.5, 0.2))


def test_a_missing_picture_is_described_by_nothing():
    found = describe([None, read_picture(to_bytes(PIXELS))])
    assert found.shape == (2, PICTURE_WIDTH)
    assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()


def test_mean_colours_are_those_of_the_tiles():
    half = np.zeros((64, 64, 3), dtype=np.uint8)
    half[:, 32:] = (255, 0, 51)
    tiles = describe([half])[0, SHAPE_WIDTH:].reshape(8, 8, 3)
    assert np.allclose(tiles[:, :4], 0) and np.allclose(tiles[:, 4:], (1, 0, 0.2), atol=1e-6)


def test_copies_are_turned_moved_and_at_last_mirrored():
    picture = read_picture(to_bytes(PIXELS))
    copies = describe_copies([picture], COPIES)
    assert copies.shape == (1, COPIES, PICTURE_WIDTH)
    assert np.allclose(copies[0, -1], describe([picture[:, ::-1]])[0], atol=1e-5)
    assert len(np.unique(copies[0].round(3), axis=0)) == COPIES
    assert np.allclose(describe_copies([picture], 2), copies[:, :2])

import base64

import numpy as np
import pytest
from automl_runtime.data.pictures import is_picture, read_picture, read_pictures, small_png
from automl_runtime.errors import DataError, MissingExtraError
from pictures import huge_png, stripes, to_bytes

PIXELS = stripes(30, np.random.default_rng(0), tint=(1.0, 0.5, 0.2))


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_formats_are_read_and_brought_to_one_size(name):
    content = to_bytes(PIXELS, name=name)
    assert is_picture(content)
    assert read_picture(content).shape == (64, 64, 3)


def test_a_path_the_bytes_and_an_address_are_the_same_picture(tmp_path):
    content = to_bytes(PIXELS)
    path = tmp_path / "a.png"
    path.write_bytes(content)
    address = "data:image/png;base64," + base64.b64encode(content).decode()
    found = [read_picture(cell) for cell in (str(path), path, content, address)]
    assert all((each == found[0]).all() for each in found)


def test_transparent_is_white_and_sixteen_bits_become_eight():
    clear = np.zeros((10, 10, 4), dtype=np.uint8)
    assert (read_picture(to_bytes(clear)) == 255).all()
    deep = np.full((10, 10), 40_000, dtype=np.uint16)
    assert np.abs(read_picture(to_bytes(deep)).astype(int) - 40_000 * 255 // 65_535).max() <= 1


def test_a_picture_is_turned_as_its_exif_says():
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = read_picture(to_bytes(PIXELS, name="JPEG", exif=exif, quality=95))
    assert np.abs(turned[::-1, ::-1].astype(int) - read_picture(to_bytes(PIXELS)).astype(int)).mean() < 8


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (to_bytes(PIXELS)[:900], "cut off or broken"),
        (to_bytes(PIXELS, name="JPEG")[:300], "cut off or broken"),
        (huge_png(30_000), "more than 60,000,000 pixels"),
        (huge_png(10_000), "more than 60,000,000 pixels"),
        (huge_png(9_000), "9,000 x 9,000 pixels"),
        (b"", "no picture"),
        (b"<svg/>", "no picture"),
        ("no/such/file.png", "cannot be opened"),
        ("nul\0.png", "cannot be opened"),
        ("data:image/png;base64,???", "not base64"),
        (7, "type int"),
    ],
)
def test_what_cannot_be_read_is_said(cell, said):
    with pytest.raises(DataError, match=said):
        read_picture(cell)


def test_a_column_names_the_first_bad_pictures_and_counts_the_others():
    cells = [to_bytes(PIXELS), None, *["gone.png"] * 7]
    with pytest.raises(DataError, match=r"7 of 9 pictures of column 'photo'.*row 3, 'gone.png'.*and 2 more"):
        read_pictures(cells, column="photo")
    assert [picture is None for picture in read_pictures(cells[:2], column="photo")] == [False, True]


def test_without_pillow_the_command_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"automl-runtime\[vision\]"):
        read_picture(b"")


def test_a_small_picture_is_read_again_as_it_was():
    picture = read_picture(to_bytes(PIXELS, name="JPEG"))
    assert (read_picture(small_png(picture)) == picture).all()

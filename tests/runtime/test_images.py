import pytest
from automl_runtime.errors import DataError
from automl_runtime.images import load_folder
from pictures import write_folder


def test_a_row_for_each_picture_with_the_folder_as_its_class(tmp_path):
    write_folder(tmp_path, {"b": 0, "a": 90}, each=3)
    (tmp_path / "a" / "deep").mkdir()
    (tmp_path / "a" / "000.png").rename(tmp_path / "a" / "deep" / "photo")
    (tmp_path / "a" / "notes.png").write_text("not a picture")
    (tmp_path / "a" / ".hidden").write_bytes((tmp_path / "a" / "001.png").read_bytes())
    frame = load_folder(tmp_path)
    assert frame["label"].tolist() == ["a"] * 3 + ["b"] * 3
    assert frame["path"].iloc[2] == str(tmp_path / "a" / "deep" / "photo")


def test_broken_pictures_are_named_or_left_out(tmp_path):
    write_folder(tmp_path, {"a": 0, "b": 90}, each=3)
    bad = tmp_path / "b" / "001.png"
    bad.write_bytes(bad.read_bytes()[:500])
    with pytest.raises(DataError, match=r"1 pictures .*001\.png.*cut off"):
        load_folder(tmp_path)
    frame = load_folder(tmp_path, leave_out_broken=True)
    assert len(frame) == 5
    assert list(frame.attrs["left_out"]) == [str(bad)]


def test_a_folder_without_classes_is_refused(tmp_path):
    write_folder(tmp_path, {"only": 0}, each=2)
    with pytest.raises(DataError, match="no pictures of two classes"):
        load_folder(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        load_folder(tmp_path / "gone")

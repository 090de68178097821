"""Folders of pictures as tables, for `fit`.

    frame = images.load_folder("animals")          # animals/cat/1.jpg, animals/dog/7.png, ...
    model = automl.fit(frame, "label")
    model.predict(pd.DataFrame({"path": ["new.jpg"]}))

A column of pictures holds paths, the bytes of files, or `data:image/...;base64,` addresses. Pillow reads them: the
extra `vision`. They are described by histograms of oriented gradients and by colours, without a pretrained network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from automl_runtime.errors import DataError, shorten

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_folder"]

_HEAD = 16
_MOST_NAMED = 5


def load_folder(path: Path | str, *, leave_out_broken: bool = False) -> pd.DataFrame:
    """A row for each picture: `path`, and in `label` the name of the folder that it lies in; sorted by path.

    What a file holds counts, not what it is called; other files, and what lies directly in `path`, are passed over.
    Every picture is read once, so that nothing broken waits for the training.

    Args:
        path: a folder with one folder for each class; deeper folders belong to the class at the top.
        leave_out_broken: leave out pictures that cannot be read, and name them in `frame.attrs["left_out"]`.

    Raises:
        DataError: if there is no such folder, fewer than two classes have pictures, or one cannot be read.
        MissingExtraError: if Pillow is not installed.
    """
    import pandas as pd

    from automl_runtime.data.pictures import read_picture

    top = Path(path)
    if not top.is_dir():
        raise DataError(f"There is no folder {shorten(str(path))}.")
    rows: list[tuple[str, str]] = []
    broken: dict[str, str] = {}
    for file in sorted(top.rglob("*")):
        parts = file.relative_to(top).parts
        if len(parts) < 2 or any(part.startswith(".") for part in parts) or not _is_picture(file):
            continue
        try:
            read_picture(file)
            rows.append((str(file), parts[0]))
        except DataError as error:
            broken[str(file)] = error.message
    if broken and not leave_out_broken:
        named = "; ".join(
            f"{shorten(str(Path(name).relative_to(top)))}: {why}" for name, why in list(broken.items())[:_MOST_NAMED]
        )
        raise DataError(
            f"{len(broken)} pictures in {shorten(str(path))} cannot be read: {named}.",
            hint="Repair them, or leave them out with leave_out_broken=True.",
        )
    if len({label for _, label in rows}) < 2:
        raise DataError(
            f"{shorten(str(path))} holds no pictures of two classes.",
            hint="Lay the pictures of each class into a folder of its own, named after the class.",
        )
    frame = pd.DataFrame(rows, columns=["path", "label"])
    frame.attrs["left_out"] = broken
    return frame


def _is_picture(file: Path) -> bool:
    from automl_runtime.data.pictures import is_picture

    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return is_picture(stream.read(_HEAD))

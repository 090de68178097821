"""Folders of images, one sub-folder for each class."""

from __future__ import annotations

from collections.abc import Iterable

from automl_schemas.catalog import ImageFolder

from automl_runtime.data.reading.source import Source

__all__ = ["image_folders"]


def image_folders(sources: Iterable[Source]) -> list[ImageFolder]:
    """Folders in which two or more sub-folders hold images, with the number of images of each, sorted by path.

    Files count by what their content is (`Source.kind`), not by their extension. The folder at the top is ".".
    """
    counts: dict[str, dict[str, int]] = {}
    for source in sources:
        parts = source.file.rsplit("/", 2)
        if source.kind != "image" or len(parts) < 2:
            continue
        folder = parts[0] if len(parts) == 3 else "."
        classes = counts.setdefault(folder, {})
        classes[parts[-2]] = classes.get(parts[-2], 0) + 1
    return [
        ImageFolder(path=folder, classes=dict(sorted(classes.items())))
        for folder, classes in sorted(counts.items())
        if len(classes) > 1
    ]

"""A file that is about to be read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from automl_schemas.vocabulary import FileKind

__all__ = ["Source", "sha256_of"]

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One regular file on disk and what its content says it is.

    Members of archives and decompressed files lie below a temporary folder that lives as long as the read;
    `bytes` and `sha256` are those of the file as it was found, compressed or not.
    """

    path: Path
    """Where the (decompressed) content lies."""
    file: str
    """Its name for people: POSIX, relative to the root, `archive.zip!/member.csv` inside an archive."""
    kind: FileKind
    encoding: str | None = None
    """Codec of a text file, None for a binary one."""
    compression: str | None = None
    """`gzip`, `bzip2`, `xz` or `zstd` when the file itself was compressed."""
    bytes: int = 0
    sha256: str = ""

    @property
    def stem(self) -> str:
        """The file's name without folders, archive and extensions: what its table is called after.

        >>> Source(Path("x"), "drops/2021.zip!/a/sales.csv.gz", "delimited").stem
        'sales'
        """
        name = self.file.rsplit("/", 1)[-1]
        stem = name
        while (shorter := stem.rpartition(".")[0]) and _is_extension(stem[len(shorter) + 1 :]):
            stem = shorter
        return stem


def _is_extension(text: str) -> bool:
    return 1 <= len(text) <= 8 and text.isalnum() and not text.isdigit()


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

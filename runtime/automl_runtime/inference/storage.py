"""The files of a fitted model.

`model.json` says what there is; `arrays.npz` holds every array; each booster lies in a file of its own.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np

from automl_runtime.errors import BundleError, shorten
from automl_runtime.features.pictures import PICTURE_WIDTH
from automl_runtime.inference.backends import OnnxPredictor, run_by
from automl_runtime.inference.blocks import read_block, write_block
from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.encoding import UNSEEN, Encoded, Encoder
from automl_runtime.inference.equivalence import gate
from automl_runtime.inference.foreign import Foreign
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.intervals import read_interval
from automl_runtime.inference.kernel_machine import KernelMachine
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.model import FittedModel, ModelInfo
from automl_runtime.inference.naive_bayes import NaiveBayes
from automl_runtime.inference.neighbors import Neighbors
from automl_runtime.inference.network import Network
from automl_runtime.inference.neural import Convolutional, Sequential
from automl_runtime.inference.parts import (
    BATCHES,
    LINKS,
    Backend,
    Design,
    Measured,
    Member,
    Part,
    Predictor,
    Reading,
    encoded_rows,
)
from automl_runtime.inference.quantising import Quantised
from automl_runtime.inference.raw import raw_widths
from automl_runtime.inference.steps import STEPS
from automl_runtime.inference.texts import BUCKETS

__all__ = ["MODEL_FILE", "pack_predictor", "read_model", "stored_bytes", "unpack_predictor", "write_model"]

MODEL_FILE = "model.json"
ARRAYS_FILE = "arrays.npz"
_ONNX = "member{}.{}.onnx.gz"
_VERSION = 1
_LEVEL = 5
"""Of compression: 9 takes ten times as long for 2 % less."""
_WARMING = (1, 2, 16, 256)
"""Numbers of rows that make trees use each of their kernels."""
_TEXT_PARTS = ("data", "indices", "indptr")
_ARRAY_PREDICTORS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        *(Boosted, Convolutional, Foreign, Forest, KernelMachine, Linear, NaiveBayes, Neighbors),
        *(Network, Quantised, Sequential),
    )
}

Arrays: TypeAlias = dict[str, np.ndarray[Any, Any]]


def write_model(model: FittedModel, path: Path) -> list[Path]:
    """Writes `model` into the folder `path`; returns the files, sorted."""
    path.mkdir(parents=True, exist_ok=True)
    arrays: Arrays = {}
    files: dict[str, bytes] = {}
    record = {
        "version": _VERSION,
        "info": asdict(model.info),
        "columns": model.encoder.to_json(),
        "designs": [
            [write_block(part, f"design{i}.{j}", arrays) for j, part in enumerate((*design.steps, *design.blocks))]
            for i, design in enumerate(model.designs)
        ],
        "members": [_write_member(member, i, arrays, files) for i, member in enumerate(model.members)],
        "background": _write_rows(model.background, arrays),
    }
    np.savez_compressed(path / ARRAYS_FILE, **arrays)  # type: ignore[arg-type]
    files[MODEL_FILE] = (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
    for name, content in files.items():
        (path / name).write_bytes(content)
    return sorted([path / ARRAYS_FILE, *(path / name for name in files)])


def _write_member(member: Member, number: int, arrays: Arrays, files: dict[str, bytes]) -> dict[str, Any]:
    parts = []
    for place, part in enumerate(member.parts):
        name = f"member{number}.{place}"
        record = {"design": part.design, "reading": asdict(part.reading)}
        if isinstance(part.predictor, LightGbm | CatBoost):
            predictor, compared = gate(part.predictor)
            record |= _write_predictor(predictor, name, arrays, files) | {"backend": predictor.backend}
            record |= {} if compared is None else {"compared": compared}
        else:
            record |= _write_predictor(part.predictor, name, arrays, files)
        parts.append(record)
    record = {"name": member.name, "weight": member.weight, "parts": parts}
    if member.chosen:
        record["backends"] = {"measured": [asdict(each) for each in member.measured], "chosen": member.chosen}
        exported = member.ways[member.chosen.index("onnx")] if "onnx" in member.chosen else ()
        for place, part in enumerate(exported):
            assert isinstance(part.predictor, OnnxPredictor)
            files[_ONNX.format(number, place)] = _packed(part.predictor.content)
    return record


def _write_rows(rows: Encoded | None, arrays: Arrays) -> int | None:
    """Puts encoded rows into `arrays`; returns how many they are."""
    if rows is None:
        return None
    arrays["background.numbers"], arrays["background.codes"] = rows.numbers, rows.codes
    for place, text in enumerate(rows.texts):
        for part in _TEXT_PARTS:
            arrays[f"background.text{place}.{part}"] = getattr(text, part)
    for place, image in enumerate(rows.images):
        arrays[f"background.image{place}"] = image
    for place, raw in enumerate(rows.raws):
        arrays[f"background.raw{place}"] = raw
    return len(rows)


def _read_rows(count: int | None, arrays: Arrays, encoder: Encoder) -> Encoded | None:
    """The rows that `_write_rows` wrote; none in models of before it was there."""
    if count is None:
        return None
    from scipy import sparse

    numbers, codes = arrays["background.numbers"], arrays["background.codes"]
    texts = []
    for place in range(len(encoder.text_owners)):
        parts = tuple(arrays[f"background.text{place}.{part}"] for part in _TEXT_PARTS)
        text = sparse.csr_matrix(parts, shape=(count, BUCKETS))
        text.check_format()
        texts.append(text)
    images = tuple(arrays[f"background.image{place}"] for place in range(len(encoder.image_owners)))
    shapes = (numbers.shape, codes.shape)
    inside = bool(np.all(codes >= UNSEEN) and np.all(codes < np.array(encoder.levels, dtype=np.int64)))
    inside = inside and all(image.shape == (count, PICTURE_WIDTH) for image in images)
    widths = raw_widths(encoder.columns)
    raws = tuple(arrays[f"background.raw{place}"] for place in range(len(widths)))
    inside = inside and [raw.shape for raw in raws] == [(count, width) for width in widths]
    if shapes != ((count, len(encoder.number_owners)), (count, len(encoder.code_owners))) or not inside:
        raise BundleError("The rows that the model explains by do not fit its columns.")
    cells = numbers.astype(np.float64), codes.astype(np.int32), tuple(texts), encoder.levels
    return Encoded(*cells, images=images, raws=raws, readings=encoder.readings)


def _packed(content: bytes) -> bytes:
    """Compressed with a fixed time stamp: equal models give equal bytes."""
    return gzip.compress(content, _LEVEL, mtime=0)


def _write_predictor(predictor: Predictor, name: str, arrays: Arrays, files: dict[str, bytes]) -> dict[str, Any]:
    if isinstance(predictor, LightGbm):
        files[f"{name}.txt.gz"] = _packed(predictor.text.encode())
        return {"predictor": "LightGbm", "file": f"{name}.txt.gz", "backend": predictor.backend}
    if isinstance(predictor, CatBoost):
        files[f"{name}.cbm.gz"] = _packed(predictor.blob)
        return {
            "predictor": "CatBoost",
            "file": f"{name}.cbm.gz",
            "numbers": predictor.numbers,
            "outputs": predictor.outputs,
            "backend": predictor.wanted,
        }
    record: dict[str, Any] = {"predictor": type(predictor).__name__}
    for field in fields(predictor):  # type: ignore[arg-type]
        value = getattr(predictor, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{name}.{field.name}"] = value
        else:
            record[field.name] = value
    return record


def pack_predictor(predictor: Predictor, name: str, arrays: Arrays) -> dict[str, Any]:
    """Puts `predictor` into `arrays` below `name`, files as bytes; returns the rest as JSON."""
    files: dict[str, bytes] = {}
    record = _write_predictor(predictor, name, arrays, files)
    arrays.update({f"file:{file}": np.frombuffer(content, dtype=np.uint8) for file, content in files.items()})
    return record


def unpack_predictor(record: dict[str, Any], name: str, arrays: Arrays) -> Predictor:
    """The predictor that `pack_predictor` packed; raises KeyError, ValueError or BundleError if it is not sound."""
    return _read_predictor(record, name, arrays, arrays)


def stored_bytes(predictor: Predictor) -> float:
    """About how many bytes `predictor` takes in its file (compressed to a third, arrays to a half)."""
    if isinstance(predictor, LightGbm):
        return len(predictor.text) / 3
    if isinstance(predictor, CatBoost):
        return len(predictor.blob) / 2.5
    values = (getattr(predictor, field.name) for field in fields(predictor))  # type: ignore[arg-type]
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray)) / 2


def read_model(path: Path) -> FittedModel:
    """The model in the folder `path`.

    Raises:
        BundleError: if a file is missing or not valid.
        MissingExtraError: if a package is missing.
    """
    try:
        record = json.loads((path / MODEL_FILE).read_text(encoding="utf-8"))
        with (path / ARRAYS_FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return _build(record, arrays, path)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"The model in {shorten(str(path))} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"The model in {shorten(str(path))} is not valid: {error!r}") from error


def _build(record: dict[str, Any], arrays: Arrays, path: Path) -> FittedModel:
    if record["version"] != _VERSION:
        raise BundleError(f"The model has format {record['version']!r}; this version reads {_VERSION}.")
    values = record["info"]
    for name in ("features", "classes", "multipliers", "shifts"):
        values[name] = tuple(values.get(name, ()))
    values["interval"] = read_interval(values.get("interval"))
    encoder = Encoder.from_json(record["columns"])
    designs = tuple(
        _read_design([read_block(entry, f"design{i}.{j}", arrays) for j, entry in enumerate(entries)])
        for i, entries in enumerate(record["designs"])
    )
    owners = (encoder.number_owners, encoder.code_owners, encoder.text_owners, encoder.image_owners)
    blank = encoded_rows(*map(len, owners), raws=raw_widths(encoder.columns))
    widths = [design.matrix(blank).shape[1] for design in designs]
    members = tuple(_read_member(member, i, arrays, path, widths) for i, member in enumerate(record["members"]))
    background = _read_rows(record.get("background"), arrays, encoder)
    if len(values["shifts"]) not in (0, len(values["classes"])):
        raise BundleError(f"The model has {len(values['shifts'])} shifts for {len(values['classes'])} classes.")
    model = FittedModel(ModelInfo(**values), encoder, designs, members, background)
    # Kernels are compiled and libraries loaded now, not at the first request; what does not fit together shows.
    for rows in _WARMING:
        model.outputs(blank.take(np.zeros(rows, dtype=np.int64)))
    return model


def _read_design(parts: list[Any]) -> Design:
    steps = tuple(part for part in parts if type(part).__name__ in STEPS)
    return Design(tuple(parts[len(steps) :]), steps)


def _read_member(record: dict[str, Any], number: int, arrays: Arrays, path: Path, widths: list[int]) -> Member:
    parts = []
    for place, entry in enumerate(record["parts"]):
        predictor = _read_predictor(entry, f"member{number}.{place}", arrays, path)
        predictor.check(widths[entry["design"]])
        reading = Reading(**entry["reading"])
        if reading.link not in LINKS:
            raise BundleError(f"The model has an unknown link {reading.link!r}; known: {LINKS}.")
        parts.append(Part(entry["design"], predictor, reading))
    bare = Member(record["name"], float(record["weight"]), tuple(parts))
    backends = record.get("backends")
    return bare if backends is None else _chosen(bare, backends, number, path, widths)


def _chosen(member: Member, backends: dict[str, Any], number: int, path: Path, widths: list[int]) -> Member:
    chosen = tuple(backends["chosen"])
    if len(chosen) != len(BATCHES) or not set(chosen) <= set(get_args(Backend)):
        raise BundleError(f"The model names unknown backends: {shorten(str(chosen))}.")
    made: dict[Backend, tuple[Part, ...]] = {}
    for backend in set(chosen):
        parts = []
        for place, part in enumerate(member.parts):
            file = path / _ONNX.format(number, place)
            exported = gzip.decompress(file.read_bytes()) if backend == "onnx" else None
            predictor = run_by(part.predictor, backend, exported)
            if predictor is None:
                raise BundleError(f"The model {shorten(member.name)} cannot be run by {backend}.")
            predictor.check(widths[part.design])
            parts.append(replace(part, predictor=predictor))
        made[backend] = tuple(parts)
    measured = tuple(Measured(**{**each, "us": tuple(each["us"])}) for each in backends["measured"])
    return replace(member, measured=measured, chosen=chosen, ways=tuple(made[backend] for backend in chosen))


def _read_predictor(entry: dict[str, Any], name: str, arrays: Arrays, path: Path | Arrays) -> Predictor:
    kind = entry["predictor"]
    if kind == "LightGbm":
        # Bundles of before there were kernels do not say what runs them.
        return LightGbm(gzip.decompress(_bytes(path, entry)).decode(), entry.get("backend", "kernels"))
    if kind == "CatBoost":
        sizes = int(entry["numbers"]), int(entry["outputs"])
        return CatBoost(gzip.decompress(_bytes(path, entry)), *sizes, entry.get("backend", "kernels"))
    cls = _ARRAY_PREDICTORS[kind]
    values = {
        field.name: arrays[f"{name}.{field.name}"] if f"{name}.{field.name}" in arrays else entry[field.name]
        for field in fields(cls)
        # Bundles of before there was a field with a default do not have it.
        if field.default is MISSING or f"{name}.{field.name}" in arrays or field.name in entry
    }
    predictor: Predictor = cls(**values)
    return predictor


def _bytes(path: Path | Arrays, entry: dict[str, Any]) -> bytes:
    name = str(entry["file"])
    if isinstance(path, dict):
        return path[f"file:{name}"].tobytes()
    if Path(name).name != name:
        raise BundleError(f"The model names a file outside its folder: {shorten(name)}.")
    return (path / name).read_bytes()

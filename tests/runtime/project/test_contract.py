from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from automl_runtime.data.cleaning import CleanTable, write_clean
from automl_runtime.project.contract import write_contract
from automl_schemas.spec import TableSpec


def make(root: Path) -> tuple[Any, dict[str, CleanTable]]:
    data = pa.table({"Nr": pa.array([1, 2], pa.int64()), "fee ünit": pa.array([1.5, None], pa.float64())})
    tables = {"members": CleanTable("members", data, [], {}, np.array([1, 2]), ("members.csv",))}
    write_clean(tables.values(), root / "data" / "clean")
    parts = {"train": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "holdout": pd.DataFrame({"a": [3], "b": ["z"]})}
    spec = SimpleNamespace(data=SimpleNamespace(tables=[TableSpec(name="members", files=[], key=["Nr"])]))
    return SimpleNamespace(root=root, spec=spec, load_rows=parts.__getitem__), tables


def test_contract_says_what_the_tables_hold(tmp_path):
    write_contract(*make(tmp_path))
    digest = hashlib.sha256((tmp_path / "data" / "clean" / "members.jsonl").read_bytes()).hexdigest()
    assert json.loads((tmp_path / "data" / "contract.json").read_text(encoding="utf-8")) == {
        "version": 1,
        "tables": {
            "members": {
                "rows": 2,
                "key": ["Nr"],
                "sha256": digest,
                "columns": {"Nr": "int64", "fee ünit": "double"},
            }
        },
        "training_table": {"rows": {"train": 2, "holdout": 1}, "columns": {"a": "int64", "b": "str"}},
    }


def test_same_data_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_contract(*make(tmp_path / name))
    assert (tmp_path / "a/data/contract.json").read_bytes() == (tmp_path / "b/data/contract.json").read_bytes()

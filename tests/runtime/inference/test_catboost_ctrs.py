"""CatBoost's hashes, computed here."""

from __future__ import annotations

import re

import catboost
import numpy as np
from automl_runtime.inference.catboost import features_data
from automl_runtime.inference.catboost_ctrs import hashes
from automl_runtime.inference.encoding import UNSEEN


def test_hashes_are_those_of_catboost(tmp_path):
    codes = np.append(np.arange(UNSEEN, 12_001), [99_999, 100_000, 123_456, 999_999])
    pool = catboost.Pool(features_data(np.column_stack([np.zeros(len(codes)), codes]), 1), label=np.arange(len(codes)))
    model = catboost.CatBoost({"iterations": 1, "verbose": False, "allow_writing_files": False}).fit(pool)
    model.save_model(tmp_path / "model.py", format="python", pool=pool)
    text = (tmp_path / "model.py").read_text()
    listed = re.findall(r'^\s*"(-?\d+)": (-?\d+),', text[text.index("cat_features_hashes") :], re.MULTILINE)
    wanted = {int(code): np.int64(int(hashed)).astype(np.int32) for code, hashed in listed}
    assert hashes(codes).tolist() == [wanted[code] for code in codes]

from __future__ import annotations

import numpy as np
import pandas as pd
from automl_runtime.features.text import TEXT_STATISTICS, add_text_statistics, text_statistics


def test_statistics_of_a_text():
    found = dict(zip(TEXT_STATISTICS, text_statistics(["CALL now! £5 at www.x.y ?"])[0], strict=True))
    assert found == {
        "length": 25,
        "words": 6,
        "digits": 1,
        "capitals": 4 / 14,
        "exclamation": 1,
        "question": 1,
        "currency": 1,
        "links": 1,
    }


def test_missing_and_empty_texts():
    found = text_statistics([None, ""])
    assert np.isnan(found[0]).all()
    assert (found[1] == 0).all()


def test_add_text_statistics_is_row_wise():
    rows = pd.DataFrame({"note": ["Hello THERE", None, "a"]}, index=[5, 6, 7])
    result = add_text_statistics(rows[[]], rows, ["note"])
    assert list(result.columns) == [f"note.{name}" for name in TEXT_STATISTICS]
    pd.testing.assert_frame_equal(result.loc[[7]], add_text_statistics(rows.loc[[7], []], rows.loc[[7]], ["note"]))

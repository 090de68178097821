"""A feature goes into the user's file by the smallest edit, and its test beside it."""

from __future__ import annotations

import ast
import difflib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from automl_agent.feature_code.allowed import check_code
from automl_agent.feature_code.writing import formatted, sample_rows, with_feature, with_test
from automl_runtime.errors import RequestError
from hypothesis import given, settings
from hypothesis import strategies as st

FEATURE = check_code(
    'def fee_log(rows: pd.DataFrame) -> pd.Series:\n    """Log."""\n    return np.log1p(rows["fee"])\n', ["fee", "on"]
)
PLAIN = check_code(
    'def double(rows: pd.DataFrame) -> pd.Series:\n    """Two."""\n    return rows["fee"] * 2\n', ["fee"]
)
HEAD = '"""Mine."""\n\nimport pandas as pd\n\n'
TAIL = "\n\n\ndef add_features(features, rows):\n    for f in FEATURES:\n        features = features.assign(**{f.__name__: f(rows)})\n    return features\n"
OWN = "\n\ndef own(rows):  # kept   as it is\n    return rows['fee']\n\n\n"

SHAPES = {
    "empty": HEAD + "FEATURES = ()" + TAIL,
    "typed": HEAD + "FEATURES: tuple = ()  # none yet" + TAIL,
    "one": HEAD + OWN + "FEATURES = (own,)" + TAIL,
    "several": HEAD + OWN + "FEATURES = (own, own)" + TAIL,
    "lines": HEAD + OWN + "FEATURES = (\n    own,\n    own,  # twice\n)" + TAIL,
    "lines without a last comma": HEAD + OWN + "FEATURES = (\n    own,\n    own\n)" + TAIL,
    "comment above": HEAD + OWN + "# In this order.\nFEATURES = (own,)" + TAIL,
    "tail before": HEAD + TAIL.lstrip() + "\n\nFEATURES = ()\n",
    "umlauts": HEAD + "NAME = 'größe'; FEATURES = ('ü'.join,)" + TAIL,
    "numpy there": "import numpy as np\nimport pandas as pd\n\nFEATURES = ()" + TAIL,
    "no imports": "FEATURES = ()" + TAIL,
}


def names_in(source: bytes) -> list[str]:
    tree = ast.parse(source)
    [found] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and "FEATURES" in ast.unparse(node).split("=")[0]
    ]
    return [ast.unparse(part) for part in found.elts]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_function_and_its_name_are_added_and_nothing_else_changes(shape, line_break):
    before = SHAPES[shape].replace("\n", line_break).encode()
    after = with_feature(before, FEATURE)
    assert names_in(after) == [*names_in(before), "fee_log"]
    lines = [text.decode().splitlines(keepends=True) for text in (before, after)]
    removed = [line for line in difflib.ndiff(*lines) if line.startswith("- ")]
    assert all("FEATURES" in line or line.strip("- \r\n") == "own" for line in removed), removed
    assert len(removed) <= 1
    assert (b"\r\n" in after) == (line_break == "\r\n")
    assert after.count(b"\n") == after.count(line_break.encode())
    assert after.decode().count("import numpy as np") == 1


@pytest.mark.parametrize("shape", ["empty", "one", "several", "lines"])
def test_what_ruff_had_formatted_stays_so(shape):
    after = with_feature(with_feature(formatted(SHAPES[shape]).encode(), FEATURE), PLAIN)
    assert formatted(after.decode()) == after.decode()
    assert names_in(after)[-2:] == ["fee_log", "double"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def add_features(features, rows):\n    return features\n", "has no tuple FEATURES"),
        ("FEATURES = []\n", "has no tuple FEATURES"),
        ("FEATURES = (\n", "is no Python"),
        (b"# -*- coding: latin-1 -*-\n# \xfc\nFEATURES = ()\n", "is no Python"),
    ],
)
def test_a_file_that_takes_no_features_says_what_to_add(source, said):
    with pytest.raises(RequestError) as refused:
        with_feature(source if isinstance(source, bytes) else source.encode(), FEATURE)
    assert said in refused.value.message
    assert refused.value.hint


@settings(deadline=None, max_examples=30)
@given(st.text(st.characters(exclude_characters="\r\x0c\x00", exclude_categories=["Cs"]), max_size=60))
def test_text_of_the_user_stays_byte_for_byte(text):
    comment = "".join(f"# {line}\n" for line in text.splitlines())
    before = (HEAD + comment + "FEATURES = ()" + TAIL + comment).encode()
    after = with_feature(before, PLAIN)
    assert all(line in after for line in before.splitlines() if b"FEATURES =" not in line)
    assert names_in(after) == ["double"]


def test_the_test_holds_the_values_on_some_rows_and_passes(tmp_path):
    rows = pd.DataFrame(
        {
            "fee": [1.0, None, 3.5],
            "on": pd.to_datetime(["2024-01-01", None, "2024-02-03"]).as_unit("us"),
            "said": pd.Series(["it's", None, 'a "b"'], dtype="str"),
            "yes": pd.array([True, None, False], dtype="boolean"),
        }
    )
    code = (
        'def much(rows: pd.DataFrame) -> pd.Series:\n    """All."""\n'
        '    return rows["fee"] + rows["on"].dt.day + rows["said"].str.len() + rows["yes"].astype("Float64")\n'
    )
    proposal = check_code(code, list(rows.columns))
    scope = {"np": np, "pd": pd}
    exec(proposal.code, scope)
    values = scope["much"](rows).astype("Float64").to_numpy(float, na_value=np.nan)
    first = with_test(None, "mine", proposal, rows, pd.Series(values))
    second = with_test(first, "mine", FEATURE, rows, np.log1p(rows["fee"]))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").touch()
    own = with_feature(with_feature(SHAPES["empty"].encode(), proposal), FEATURE)
    (tmp_path / "mine" / "custom_features.py").write_bytes(own)
    (tmp_path / "test_custom_features.py").write_bytes(second)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)]
    passed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 passed" in passed.stdout, passed.stdout
    (tmp_path / "mine" / "custom_features.py").write_bytes(own.replace(b"log1p", b"log2"))
    assert "1 failed" in subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout


def test_rows_of_a_test_hold_a_gap_and_no_personal_value():
    rows = pd.DataFrame(
        {"fee": [1.0, 1.0, 2.0, 3.0, None], "mail": ["ann@mail.example.com"] * 5, "phone": [170123456] * 5}
    )
    some = sample_rows(rows, {"mail": "email", "phone": "phone"})
    assert some["fee"].isna().sum() == 1
    assert len(some) == 3
    assert set(some["mail"]) == {"a***@***.com"}
    assert some["phone"].tolist() == [1, 2, 3]

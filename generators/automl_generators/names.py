"""Names of projects and packages: legal, short, and clashing with nothing that a project imports."""

from __future__ import annotations

import keyword
import re
import sys
from typing import Final

from automl_runtime.errors import RequestError, shorten
from automl_schemas.requirement import Requirement
from slugify import slugify

__all__ = ["LONGEST", "clean_name", "package_name", "project_name"]

LONGEST: Final = 40
"""Characters of the longest name, before what a clash adds; longer ones are cut between words."""

_VERBS: Final[dict[str | None, str]] = {
    "forecast": "forecast",
    "clustering": "cluster",
    "anomaly": "detect",
}
_FILLERS: Final = "a an the of for in on to will which who whether that is are be"
_TAKEN_WORDS: Final = """
true false none null yes no on off y n
test tests testing src lib libs app apps data dataset datasets model models config conf settings common core utils util
helpers features train training evaluate evaluation predict prediction predictions serve server service client api main
project projects package module script scripts tools docs example examples build dist vendor deployment reports
experiments notebooks python conftest setup
con prn aux nul com1 com2 com3 com4 lpt1 lpt2 lpt3
automl automl_agent automl_cli automl_generators automl_runtime automl_schemas automl_templates
catboost charset_normalizer click clevercsv cookiecutter cryptography dask django duckdb fastapi flask git httptools
httpx ipython jax jinja2 joblib jsonschema keras langchain lightgbm llvmlite lxml matplotlib mcp mlflow msgspec mypy
networkx nltk numba numpy onnx onnxruntime openai optuna orjson packaging pandas pip pillow plotly polars
prometheus_client psutil pyarrow pydantic pytest python_calamine pytz ray redis regex requests rich ruff scipy seaborn
setuptools shap six skops sklearn skrub spacy sqlalchemy starlette statsmodels streamlit sympy tensorflow torch tqdm
transformers treelite typer typing_extensions urllib3 uv uvicorn uvloop virtualenv wheel xgboost yaml zstandard
"""
"""What YAML takes for something else than a name, what repositories are full of, Windows devices, known packages."""


def clean_name(name: str) -> str:
    """A name that a person gave, as a legal project name in kebab case.

    Raises:
        RequestError: if `name` is a path, or holds no letter or digit.

    >>> clean_name("Customer churn (2024)"), clean_name("class")
    ('customer-churn-2024', 'class-project')
    """
    if re.search(r"[/\\\x00]", name) or name.strip() in {".", ".."}:
        raise RequestError(
            f"the project name {shorten(name)} is a path.",
            hint="A name holds letters, digits and dashes; say where the project goes with --out.",
        )
    return package_name(name).replace("_", "-")


def package_name(name: str) -> str:
    """A legal import package in snake case, at most `LONGEST` characters and a suffix where it clashes.

    Letters of other scripts are transliterated. A clash is a Python keyword, a module of the standard library, or a
    name that repositories and well-known packages use already.

    Raises:
        RequestError: if nothing is left of `name`.

    >>> package_name("predict-churn"), package_name("2024 sales"), package_name("json")
    ('predict_churn', 'project_2024_sales', 'json_project')
    """
    cleaned = slugify(name, separator="_", max_length=LONGEST, word_boundary=True, save_order=True)
    if not cleaned:
        raise RequestError(
            f"no project name can be made of {shorten(name)}: it holds no letter or digit.",
            hint='Give one, for example "predict-churn".',
        )
    if not cleaned[0].isalpha():
        cleaned = f"project_{cleaned}"[:LONGEST].rstrip("_")
    if _clashes(cleaned):
        cleaned = f"{cleaned}_project"
    return cleaned


def project_name(requirement: Requirement) -> str:
    """The name of the project that `requirement` asks for: the given one, or "predict-" and what is to be predicted.

    Raises:
        RequestError: if the given name is a path or empty.

    >>> project_name(Requirement(request="predict which customers will churn", target="churn"))
    'predict-churn'
    """
    if requirement.project_name is not None:
        return clean_name(requirement.project_name)
    verb = _VERBS.get(requirement.task, "predict")
    words = slugify(requirement.target or requirement.entity or requirement.request).split("-")
    fillers = frozenset(_FILLERS.split())
    kept = [word for word in words if word and word not in fillers and word != verb][:4]
    return package_name("-".join([verb, *(kept or ["target"])])).replace("_", "-")


def _clashes(name: str) -> bool:
    return (
        keyword.iskeyword(name)
        or keyword.issoftkeyword(name)
        or name in sys.stdlib_module_names
        or name in sys.builtin_module_names
        or name in _TAKEN_WORDS.split()
    )

from __future__ import annotations

import json

import pytest
import yaml
from automl_agent.requirements import load_request
from automl_runtime.errors import RequestError
from automl_schemas.requirement import Requirement
from automl_schemas.spec import ProjectSpec

SPEC = {
    "version": 1,
    "name": "predict-churn",
    "request": "predict churn",
    "task": {"type": "binary"},
    "target": {"table": "members", "column": "left", "positive": "yes"},
    "metric": {"name": "roc_auc"},
    "data": {"source": "../messy"},
    "training": {"budget_seconds": "2m"},
}
OLDER = {
    "project_name": "churn",
    "data_source": "./messy",
    "objective": "predict which customers will churn",
    "target_metric": "AUC > 0.85",
    "deployment": "100k requests/day, p99 below 50 ms",
}
FIELDS = {
    "project_name": "churn",
    "data": "./messy",
    "request": "predict which customers will churn",
    "metric": "roc_auc",
    "goal": "> 0.85",
    "requests_per_day": "100k",
    "p99_ms": 50,
}


def test_text_yaml_and_json_that_say_the_same_are_the_same():
    text = load_request(
        "predict which customers will churn from ./messy, AUC > 0.85, 100k requests/day, p99 below 50 ms"
    )
    older = load_request(yaml.safe_dump(OLDER))
    assert isinstance(text, Requirement)
    assert (
        older
        == load_request(json.dumps(OLDER))
        == load_request(yaml.safe_dump(FIELDS))
        == load_request(json.dumps(FIELDS))
    )
    assert older == text.model_copy(update={"request": older.request, "project_name": "churn"})


def test_deployment_as_a_mapping():
    found = load_request(
        json.dumps({**OLDER, "deployment": {"type": "REST", "rate": "100k requests/day", "p99_ms": 50}})
    )
    assert (found.requests_per_day, found.p99_ms) == (100_000, 50)
    assert load_request(json.dumps({**OLDER, "deployment": ["20 rps", "in 30 ms"]})).p99_ms == 30


def test_project_yaml_as_content_as_file_and_as_output_of_spec(tmp_path):
    (tmp_path / "messy").mkdir()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "project.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    content = load_request(yaml.safe_dump(SPEC))
    assert isinstance(content, ProjectSpec)
    assert (content.training.budget_seconds, content.data.source) == (120, "../messy")
    assert load_request(json.dumps({"spec": SPEC, "questions": [], "warnings": []})) == content
    file = load_request(str(folder / "project.yaml"))
    assert file.data.source == str(folder / "../messy")


def test_requirement_in_a_file(tmp_path):
    (tmp_path / "messy").mkdir()
    path = tmp_path / "ask.json"
    path.write_text(json.dumps(OLDER), encoding="utf-8")
    assert load_request(str(path)).data == str(tmp_path / "messy")
    text = tmp_path / "ask.txt"
    text.write_text("predict churn in 2 minutes", encoding="utf-8")
    assert load_request(str(text)).budget_seconds == 120


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**SPEC, "training": {"budget_second": 3}}, r"`training\.budget_second`; did you mean `budget_seconds`"),
        ({**SPEC, "taskk": {}}, r"unknown key `taskk`; did you mean `task`"),
        ({**SPEC, "training": {"folds": 50}}, r"`training\.folds`.*found 50"),
        ({**SPEC, "metric": {"name": "auc"}}, r"`metric\.name`.*roc_auc.*'auc'"),
        ({**OLDER, "target_metrc": "AUC"}, "`target_metrc`; did you mean `target_metric`"),
        (
            {**OLDER, "deployment": {"requests_per_dya": 1}},
            r"`deployment\.requests_per_dya`; did you mean `requests_per_day`",
        ),
        ({**OLDER, "target_metric": "great"}, "`target_metric` is 'great'"),
        ({**OLDER, "target_metric": 3}, "`target_metric` is 3"),
        ({**OLDER, "deployment": 3}, "`deployment` is 3"),
        ({**FIELDS, "strategy": 3}, "`strategy`: Input should be a valid string"),
        ({**FIELDS, "budget_seconds": "soon"}, "`budget_seconds` is 'soon'; it takes seconds"),
        ({**FIELDS, "horizon_days": "soon"}, "`horizon_days` is 'soon'"),
        ({**FIELDS, "p99_ms": "soon"}, "`p99_ms` is 'soon'"),
        ({**FIELDS, "goal": "high"}, "`goal` is 'high'"),
        ({**FIELDS, "threshold": "high"}, "`threshold` is 'high'"),
        ({**FIELDS, "clusters": "many"}, "`clusters`"),
        ({"request": 3}, "`objective` is 3"),
        ({"project_name": "x", "data_source": "y"}, "no `objective`, `request` or `target`"),
        ({"objective": "hello"}, "does not say what to predict"),
    ],
)
def test_wrong_documents_name_the_key_and_what_is_allowed(content, message):
    for text in (json.dumps(content), yaml.safe_dump(content)):
        with pytest.raises(RequestError, match=message):
            load_request(text)


def test_fields_settle_what_the_words_leave_open():
    found = load_request(
        json.dumps(
            {
                "target": "price",
                "task": "regression",
                "exclude": "age, sex",
                "horizon_days": "6 hours",
                "threshold": "> 50,000",
            }
        )
    )
    assert (found.request, found.task, found.exclude, found.horizon_days) == (
        "predict price",
        "regression",
        ["age", "sex"],
        0.25,
    )
    assert found.threshold.value == 50_000
    assert load_request("task: clustering\nentity: member").request == "clustering"
    assert load_request(json.dumps({"request": "??", "target": "price"})).target == "price"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(RequestError, match="does not exist"):
        load_request("nowhere/project.yaml")
    wrong = tmp_path / "list.yaml"
    wrong.write_text("- 1\n- 2\n", encoding="utf-8")
    with pytest.raises(RequestError, match="mapping"):
        load_request(str(wrong))
    wrong.write_text("a: [1\n", encoding="utf-8")
    with pytest.raises(RequestError, match="neither valid YAML nor JSON"):
        load_request(str(wrong))
    wrong.write_bytes(b"\xff\xfe\x00\x00bad")
    with pytest.raises(RequestError, match="cannot be read"):
        load_request(str(wrong))
    wrong.write_bytes(b"#" * 1_000_001)
    with pytest.raises(RequestError, match="larger"):
        load_request(str(wrong))
    with pytest.raises(RequestError, match="neither valid YAML nor JSON"):
        load_request('{"objective": ')


@pytest.mark.parametrize(
    "text",
    [
        "target: price, rmse < 5k",
        "predict price\nplease: soon",
        "predict price: high\n- now",
        "predict price from notes.txt",
    ],
)
def test_text_with_colons_stays_text(text):
    found = load_request(text)
    assert isinstance(found, Requirement)
    assert found.target.startswith("price")

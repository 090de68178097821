from __future__ import annotations

import pytest
from automl_agent.grounding import ground
from automl_agent.requirements import load_request, parse_request
from automl_runtime.errors import DataError, RequestError
from automl_schemas.catalog import DataCatalog
from automl_schemas.requirement import Requirement

ROWS = 120


def cycle(*values):
    return [values[i % len(values)] for i in range(ROWS)]


def count(start=0, step=1):
    return [start + step * i for i in range(ROWS)]


def codes(prefix):
    return [f"{prefix}{i:04d}" for i in range(ROWS)]


def days():
    return [f"2023-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(ROWS)]


def say(text, catalog, **arguments):
    return ground(parse_request(text), catalog, source="./data", **arguments)


@pytest.fixture(scope="session")
def shops(made):
    return made(
        clients={
            "client_id": codes("c"), "segment": cycle("a", "b", "c"), "age": cycle(*range(20, 60)), "e-mail": codes("x@y.z"),
            "churn_flag": cycle("no", "no", "yes"), "churn_label": cycle("stay", "stay", "churn", "stay"),
            "yearly income": cycle(*range(10_000, 90_000, 1000)), "score": cycle(1, 2, 3, 4, 5),
        },
        purchases={"client": [f"c{i // 2:04d}" for i in range(ROWS)], "amount": count(5, 3), "bought_on": days()},
    )  # fmt: skip


def test_the_spec_holds_everything_that_was_asked(catalog_of):
    grounded = say(
        "predict which members will quit in the next 30 days, AUC above 0.8, 100k requests/day, p99 below 50 ms, in 2 minutes,"
        " explainable, without using sex",
        catalog_of("gym"),
        seed=7,
    )
    spec = grounded.spec
    assert (spec.name, spec.seed, spec.answers) == ("predict-quit", 7, {})
    assert (spec.task.type, spec.task.entity, spec.task.horizon_days) == ("binary", "member", 30)
    assert (spec.metric.goal.op, spec.metric.goal.value) == (">", 0.8)
    assert (spec.deployment.requests_per_day, spec.deployment.p99_ms) == (100_000, 50)
    assert (spec.training.budget_seconds, spec.training.interpretable, spec.training.validation) == (
        120,
        True,
        "stratified",
    )
    assert spec.data.source == "./data"
    assert [(drop.column, drop.reason) for drop in spec.data.drop] == [("Sex", "asked")]
    assert [table.name for table in spec.data.tables] == ["fitclub_roster", "turnstile"]
    assert [(join.child, join.cardinality) for join in spec.data.joins] == [("turnstile", "1:n")]
    assert grounded.questions == []
    assert any(sentence.startswith('"quit" -> fitclub_roster.csv "Still Enrolled?"') for sentence in grounded.assumed)
    assert any("30 days ahead" in warning for warning in grounded.warnings)


def test_the_budget_of_the_caller_wins(catalog_of):
    assert say("churn in 5 minutes", catalog_of("gym"), budget_seconds=60).spec.training.budget_seconds == 60


def test_the_strategy_of_a_document_is_taken(catalog_of):
    asked = load_request("request: predict which members will quit\nstrategy: tpe\n")
    assert ground(asked, catalog_of("gym"), source="x").spec.training.strategy == "tpe"
    assert say("predict which members will quit", catalog_of("gym")).spec.training.strategy == "auto"


def test_the_same_request_gives_the_same_spec(catalog_of):
    first = say("predict default risk", catalog_of("loans"))
    assert say("predict default risk", catalog_of("loans")) == first


def test_documents_are_bound_like_text(catalog_of):
    text = load_request("predict which members will quit, AUC above 0.8")
    older = load_request("objective: predict which members will quit\ntarget_metric: AUC above 0.8\n")
    specs = [
        ground(asked, catalog_of("gym"), source="x").spec.model_dump(exclude={"request"}) for asked in (text, older)
    ]
    assert specs[0] == specs[1]


# Near ties and answers


def test_a_near_tie_is_a_question_with_evidence_and_a_default(shops):
    grounded = say("predict churn", shops)
    (question,) = grounded.questions
    assert question.id == "target"
    assert sorted(option.value for option in question.options) == ["clients.churn_flag", "clients.churn_label"]
    assert question.default == f"{grounded.spec.target.table}.{grounded.spec.target.column}"
    assert all("values" in option.label for option in question.options)


@pytest.mark.parametrize("answer", ["clients.churn_label", "churn_label", "Clients.Churn_Label"])
def test_an_answer_settles_the_target(shops, answer):
    grounded = say("predict churn", shops, answers={"target": answer})
    assert (grounded.spec.target.column, grounded.spec.target.positive) == ("churn_label", "churn")
    assert grounded.spec.answers == {"target": answer}
    assert "target" in [question.id for question in grounded.questions]


def test_an_answer_may_name_any_column_that_can_be_predicted(shops):
    spec = say("predict churn", shops, answers={"target": "yearly income"}).spec
    assert (spec.task.type, spec.target.column, spec.metric.name) == ("regression", "yearly income", "rmse")
    assert say("predict the weather", shops, answers={"target": "segment"}).spec.task.type == "multiclass"


def test_an_answer_settles_the_positive_class(shops):
    assert say("predict churn_label", shops, answers={"positive": "stay"}).spec.target.positive == "stay"
    assert say("who earns more than 30k", shops, answers={"positive": "no"}).spec.target.positive is False


def test_an_answer_settles_the_metric_and_the_task(shops):
    grounded = say("predict churn_flag", shops, answers={"metric": "f1"})
    assert grounded.spec.metric.name == "f1"
    assert [question.id for question in grounded.questions] == ["metric"]
    assert say("predict the score of a client", shops, answers={"task": "multiclass"}).spec.task.type == "multiclass"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"targett": "churn_flag"}, "no such question.*\n.*target"),
        ({"target": "churn_falg"}, "(?s)no column that can be predicted.*churn_flag"),
        ({"target": "churn_flag", "positive": "maybe"}, "(?s)no class of 'churn_flag'.*'true'"),
        ({"target": "churn_flag", "metric": "rmsee"}, "does not fit a binary task"),
        ({"target": "score", "task": "binary"}, "(?s)does not fit the target; allowed: multiclass, regression"),
        ({"target": "churn_flag", "entity": "rows"}, "has no such question"),
        ({"target": "yearly income", "positive": "yes"}, "has no such question"),
    ],
)
def test_an_answer_that_is_no_option_names_what_is(shops, answers, message):
    with pytest.raises(RequestError, match=message):
        say("predict churn", shops, answers=answers)


def test_answers_for_other_parts_are_left_to_them(shops):
    assert say("predict churn_flag", shops, answers={"leak.clients.score": "drop"}).spec.answers == {
        "leak.clients.score": "drop"
    }


def test_classes_that_say_nothing_raise_the_positive_as_a_question(made):
    catalog = made(items={"size": count(3, 7), "finish_code": cycle("K", "L", "K"), "weight": count(9, 2)})
    grounded = say("predict the finish code", catalog)
    (question,) = grounded.questions
    assert (question.id, question.default, grounded.spec.target.positive) == ("positive", "L", "L")
    assert "33.3%" in question.options[1].label


def test_few_whole_numbers_without_a_word_for_them_are_a_question(made):
    catalog = made(meals={"salt": count(1, 3), "taste": cycle(1, 2, 3, 4), "crispiness": cycle(3, 1, 2)})
    grounded = say("predict the taste", catalog)
    (question,) = grounded.questions
    assert (question.id, question.default) == ("task", "regression")
    assert say("predict the taste, accuracy above 0.5", catalog).spec.task.type == "multiclass"
    assert say("how much taste", catalog).questions == []


# Exclusions


@pytest.mark.parametrize(
    ("words", "columns"),
    [
        ("age", ["age"]),
        ("the income", ["yearly income"]),
        ("clients.segment", ["segment"]),
        ("the id columns", ["client_id"]),
        ("the purchases table", ["client", "amount", "bought_on"]),
        ("the client's age group (age)", ["age"]),
        ("personal data", ["e-mail"]),
        ("the wage", ["yearly income"]),
    ],
)
def test_exclusions_are_bound_to_columns(shops, words, columns):
    drops = say(f"predict churn_flag without using {words}", shops).spec.data.drop
    assert [drop.column for drop in drops if drop.reason == "asked"] == columns


def test_an_exclusion_of_nothing_names_the_nearest(shops):
    with pytest.raises(RequestError, match=r'(?s)"sgments colour".*Nearest: "segment"'):
        say("predict churn_flag without using sgments colour", shops)


def test_an_excluded_column_is_no_candidate(shops):
    assert say("predict churn, ignore churn_flag", shops).spec.target.column == "churn_label"
    with pytest.raises(RequestError, match="not to be used at once"):
        say("predict churn, ignore churn_flag", shops, answers={"target": "churn_flag"})


# Derived targets


def test_a_derived_target_drops_the_column_that_it_is_made_of(shops):
    spec = say("which clients earn at least 50k a year", shops).spec
    assert (spec.target.sql, spec.target.column, spec.target.positive) == (
        '"yearly income" >= 50000',
        "yearly income >= 50000",
        True,
    )
    assert [(drop.column, drop.reason[:4]) for drop in spec.data.drop] == [("yearly income", "leak")]


def test_a_denied_threshold_takes_the_other_side(shops):
    assert say("who does not earn more than 50k", shops).spec.target.positive is False


def test_quotes_in_names_and_labels_are_escaped(made):
    catalog = made(odd={'a "b" delay': count(-5), "state": cycle("o'k", "it's late", "lost")})
    assert say("which are late by more than 5", catalog).spec.target.sql == '"a ""b"" delay" > 5'
    assert say("predict which ones are lost", catalog).spec.target.sql == "\"state\" = 'lost'"


# Time, groups, validation


def test_a_forecast_has_time_series_and_what_is_known_ahead(made):
    step = range(ROWS // 2)
    catalog = made(
        units={
            "at": [f"2023-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in step for _ in "ab"],
            "plant": ["a" if i % 2 else "b" for i in range(ROWS)],
            "weekday": [i % 7 for i in step for _ in "ab"],
            "pieces_made": count(7, 3),
        }
    )
    grounded = say("forecast the pieces made per plant for each day of the next 2 weeks", catalog)
    task = grounded.spec.task
    assert (task.type, task.time, task.series, task.frequency, task.horizon_days) == (
        "forecast",
        "at",
        ["plant"],
        "day",
        14,
    )
    assert task.known_ahead == ["weekday"]
    assert grounded.spec.training.validation == "temporal"


def test_a_forecast_without_dates_is_refused_or_plain(shops, made):
    catalog = made(flats={"rooms": cycle(1, 2, 3), "rent": count(300, 7)})
    with pytest.raises(RequestError, match="needs dates"):
        say("forecast the rent for next month", catalog)
    grounded = say("forecast the rent", catalog)
    assert grounded.spec.task.type == "regression"
    assert any("no dates" in sentence for sentence in grounded.assumed)


def test_what_is_known_before_an_event_is_validated_in_time(catalog_of):
    spec = say("predict the delay, using only what is known before dispatch", catalog_of("parcels")).spec
    assert (spec.task.time, spec.training.validation) == ("dispatched_at", "temporal")


def test_the_time_may_stand_in_a_table_that_is_looked_up(made):
    catalog = made(
        races={"race_id": count(1), "held_on": days()},
        entries={
            "race_id": cycle(*range(1, 100)),
            "kart": codes("k"),
            "grid_place": cycle(*range(1, 20)),
            "laps_done": count(2, 5),
        },
    )
    spec = say("predict the laps done from what is known before the start", catalog).spec
    assert (spec.data.tables[0].name, spec.task.time) == ("entries", "races.held_on")


def test_rows_of_one_entity_stay_together(made):
    catalog = made(
        visits={
            "visit": codes("v"),
            "patient_id": [i // 3 for i in range(ROWS)],
            "dose": count(2, 3),
            "cured": cycle("y", "n"),
        }
    )
    grounded = say("predict which patients are cured", catalog)
    assert (grounded.spec.task.group, grounded.spec.training.validation) == ("patient_id", "grouped")
    (question,) = [question for question in grounded.questions if question.id == "entity"]
    assert question.default == "patient_id"
    apart = say("predict which patients are cured", catalog, answers={"entity": "rows"}).spec
    assert (apart.task.group, apart.training.validation) == (None, "stratified")
    with pytest.raises(RequestError, match="Options: patient_id, rows"):
        say("predict which patients are cured", catalog, answers={"entity": "doctor"})


def test_cut_off_stands_where_rows_are_counted_before_a_time(made):
    catalog = made(
        clients={"client_id": codes("c"), "town": cycle("a", "b", "c")},
        offers={
            "offer": codes("o"),
            "client_id": [f"c{i // 2:04d}" for i in range(ROWS)],
            "sent_on": days(),
            "taken": cycle("y", "n", "n"),
        },
    )
    spec = say("predict which offers are taken, using only what is known before they are sent", catalog).spec
    assert (spec.task.time, spec.data.tables[0].name) == ("sent_on", "offers")
    assert spec.data.cutoff in {None, "sent_on"}


# Nothing fits


def test_nothing_fits_says_what_was_found_and_how_to_say_it(catalog_of):
    with pytest.raises(RequestError) as raised:
        say("predict the stock price of Apple", catalog_of("ward"))
    text = str(raised.value)
    assert "'stock price of Apple'" in text
    assert "patients_intake (200 rows): " in text
    assert "nights_in_ward" in text
    assert 'predict "outcome"' in text
    assert len(text) < 1000


def test_a_request_without_a_target_is_refused(catalog_of):
    with pytest.raises(RequestError, match="does not say what"):
        ground(Requirement(request="?"), catalog_of("ward"), source="x")


@pytest.mark.parametrize(
    ("request_", "task"), [("segment the borrowers", "clustering"), ("find odd borrowers", "anomaly")]
)
def test_clusters_and_anomalies_have_no_target(catalog_of, request_, task):
    grounded = say(request_, catalog_of("loans"))
    assert (grounded.spec.task.type, grounded.spec.target) == (task, None)
    assert grounded.spec.data.tables[0].name == "borrowers"


def test_the_label_of_anomalies_is_found_by_its_words(shops):
    spec = say("find the strangest 2 % of the clients, labelled by churn_flag", shops).spec
    assert (spec.target.column, spec.target.positive, spec.task.contamination) == ("churn_flag", None, 0.02)
    spec = say("find unusual clients", shops, answers={"label": "clients.churn flag"}).spec
    assert spec.target.column == "churn_flag"


@pytest.mark.parametrize(
    ("text", "answers", "message"),
    [
        ("find unusual clients", {"label": "colour"}, "names no column"),
        ("find unusual clients", {"label": "segment"}, "holds 3 different values"),
        ("find unusual clients, AUC above 0.9", {}, "only known anomalies can tell"),
        ("group the clients into segments", {"label": "churn_flag"}, "no such question"),
    ],
)
def test_a_label_that_cannot_judge_is_refused(shops, text, answers, message):
    with pytest.raises(RequestError, match=message):
        say(text, shops, answers=answers)


def test_clusters_of_things_that_are_not_there(shops):
    with pytest.raises(RequestError, match="Nothing in"):
        say("cluster the volcanoes", shops)


def test_no_table_is_a_matter_of_the_data():
    empty = DataCatalog(files=[], tables=[])
    with pytest.raises(DataError, match="no usable table"):
        say("predict churn", empty)
    pictures = DataCatalog.model_validate(
        {"files": [], "tables": [], "images": [{"path": ".", "classes": {"a": 3, "b": 4}}]}
    )
    with pytest.raises(DataError, match="images of 2 classes"):
        say("predict churn", pictures)


def test_a_target_with_one_value_is_a_matter_of_the_data(made):
    catalog = made(members={"age": count(1), "left": ["no"] * ROWS})
    with pytest.raises(DataError, match=r"'left'.* in all its 120 rows"):
        say("predict left", catalog)


def test_places_of_columns(catalog_of, shops):
    assert say("predict the last column", catalog_of("incomes")).spec.target.column == "col_4"
    assert say("predict column 1", catalog_of("incomes")).spec.target.column == "col_0"
    assert say("predict the 4th column", catalog_of("incomes")).spec.target.column == "col_3"
    with pytest.raises(RequestError, match="has 5 columns"):
        say("predict column 12", catalog_of("incomes"))
    with pytest.raises(RequestError, match="could be in any of"):
        say("predict the last column", shops)
    with pytest.raises(RequestError, match="holds text"):
        say("predict the second column", catalog_of("mails"))


# Warnings


def test_further_goals_and_doubtful_metrics_are_said(made):
    catalog = made(shop={"rolls_sold": count(0), "rain": count(5, 3), "left": cycle("y", "n")})
    assert any("can be zero" in text for text in say("predict the rolls sold within 10 %", catalog).warnings)
    assert any("f1" in text for text in say("predict left, AUC above 0.8 and F1 over 0.7", catalog).warnings)


# What a name says besides its words


def test_a_column_of_the_horizon_is_preferred(made):
    catalog = made(pupils={"pupil": codes("p"), "rating_now": cycle(*range(50)), "rating_in_90d": cycle(*range(1, 60))})
    spec = say("predict the rating of a pupil in 3 months", catalog).spec
    assert (spec.target.column, spec.task.horizon_days) == ("rating_in_90d", 90)


def test_un_before_a_word_means_the_opposite(made):
    catalog = made(wells={"depth": count(3, 2), "is_safe": cycle("yes", "no", "yes"), "village": codes("v")})
    assert say("which wells are unsafe", catalog).spec.target.positive is False


def test_a_predicate_that_says_nothing_leaves_the_subject(made):
    catalog = made(calls={"wind": count(3, 2), "lift_used": cycle("Y", "N", "N"), "call": codes("v")})
    assert say("is a lift needed", catalog).spec.target.column == "lift_used"


def test_a_column_of_the_very_name_is_not_passed_over(made):
    catalog = made(homes={"home": codes("h"), "heating": cycle("gas", "oil", "wood"), "kwh_year": count(2000, 17)})
    with pytest.raises(RequestError, match="'heating' of homes holds classes; what is asked needs numbers"):
        say("predict the heating with MAE under 2", catalog)


def test_a_table_about_something_else_is_not_used(made):
    data = {"a": count(3, 2), "b": cycle(1, 2, 3), "label": cycle(0, 1, 1)}
    assert say("which customers will churn", made(extract=data)).spec.target.column == "label"
    with pytest.raises(RequestError, match="Nothing in"):
        say("which customers will churn", made(patients_glucose=data))


def test_the_table_named_after_the_step_is_preferred(made):
    daily = {"at": days(), "rides": cycle(*range(50)), "rain": cycle(1, 2, 3)}
    catalog = made(counts_daily=daily, sums_week={"at": days(), "rides": cycle(*range(90)), "staff": cycle(4, 5)})
    assert say("forecast the rides each week", catalog).spec.target.table == "sums_week"


def test_context_may_come_from_the_description(made):
    catalog = made(bridges={"a": count(3, 2), "b": count(9, 4), "target": cycle(*range(80))})
    asked = Requirement(request="predict the strength", target="strength", description="load tests of old bridges")
    assert ground(asked, catalog, source="x").spec.target.column == "target"


@pytest.mark.parametrize(
    ("request_", "task", "target"),
    [
        ("predict the satisfaction of a guest", "multiclass", "Overall satisfaction"),
        ("predict overall satisfaction", "multiclass", "Overall satisfaction"),
        ("which guests are satisfied", "binary", "Overall satisfaction = satisfied"),
        ("who is very satisfied", "binary", "Overall satisfaction = very satisfied"),
    ],
)
def test_the_name_of_a_column_comes_before_one_of_its_classes(made, request_, task, target):
    words = ["dissatisfied", "neutral", "satisfied", "very satisfied"]
    guests = {
        "guest": [f"g{i}" for i in range(80)],
        "nights": [1 + i % 7 for i in range(80)],
        "Overall satisfaction": [words[i % 4] for i in range(80)],
    }
    spec = say(request_, made(guests=guests)).spec
    assert (spec.task.type, spec.target.column) == (task, target)

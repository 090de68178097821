"""More tables and words, in the style of public data sets: what was right once stays right."""

from __future__ import annotations

import csv
from random import Random
from typing import Any

import pytest
from automl_agent.grounding import ground
from automl_agent.requirements import parse_request
from automl_runtime.data.catalog import discover
from automl_runtime.errors import AutomlError

# Columns as `name:values`: `id`, `day`, `day?` (seldom filled), `hour`, `text`, `1..9`, `0.5..2.0`, or `a|b|c`; `_` is
# a space in values, `~` one in names. Tables whose name ends in `.data` have no header.
TABLES: dict[str, dict[str, str]] = {
    "listings": {"listings.csv": "listing_id:id neighbourhood:Mitte|Pankow|Wedding room_type:Entire_home|Private_room beds:1..6 "
    "min_nights:1..30 reviews_count:0..300 superhost:t|f|f price:30.0..400.0"},
    "staff": {"staff_2023.csv": "EmployeeNumber:id Department:Sales|R&D|HR MonthlyIncome:1500..15000 YearsAtCompany:0..30 "
    "OverTime:Yes|No DistanceFromHome:1..29 Attrition:No|No|No|Yes"},
    "bank": {"bank-additional.csv": "age:18..80 job:admin|student|retired marital:married|single balance:-500..9000 "
    "housing:yes|no loan:yes|no campaign:1..12 poutcome:success|failure|unknown y:no|no|no|yes"},
    "credit": {"lending.csv": "id:id loan_amnt:1000..35000 int_rate:5.0..25.0 annual_inc:20000..150000 grade:A|B|C|D "
    "purpose:car|wedding|medical loan_status:Fully_Paid|Fully_Paid|Charged_Off|Current"},
    "ship": {"passengers.csv": "PassengerId:id Survived:0|0|1 Pclass:1|2|3 Sex:male|female Age:1.0..80.0 Fare:5.0..300.0 "
    "Embarked:S|C|Q"},
    "heart": {"heart.data": "a:29..77 b:0|1 c:1..4 d:94..200 e:126..564 g:0|0|1"},
    "tumour": {"wdbc.data": "a:id b:B|B|M c:6.0..28.0 d:9.0..39.0 e:43.0..188.0"},
    "flowers": {"iris.data": "a:4.0..8.0 b:2.0..4.5 c:1.0..7.0 e:Iris-setosa|Iris-versicolor|Iris-virginica"},
    "energy": {"meter_readings.csv": "timestamp:hour temp_out:-5.0..30.0 occupancy:0..200 load_kw:20.0..400.0"},
    "trams": {"trips.csv": "trip_id:id line:1|4|9 scheduled_dep:hour stops:5..30 rain_mm:0.0..9.0 delay_sec:-60..900"},
    "insurance": {"insurance.csv": "age:18..64 sex:male|female bmi:16.0..50.0 children:0..5 smoker:yes|no|no "
    "region:north|south|west charges:1100.0..60000.0"},
    "cars": {"used_vehicles.csv": "make:VW|Opel|Fiat model_year:1999..2023 km_driven:1000..250000 fuel:diesel|petrol "
    "owners:1..5 asking_price:800..45000"},
    "tickets": {"support_tickets.csv": "ticket_no:id subject:text priority:P1|P2|P3|P4 category:hardware|software|network "
    "hours_to_close:0.5..90.0 escalated:N|N|Y"},
    "tweets": {"tweets.csv": "tweet_id:id text:text airline:AA|DL airline_sentiment:positive|negative|neutral"},
    "pima": {"diabetes.csv": "Pregnancies:0..12 Glucose:70..199 BloodPressure:40..110 BMI:18.0..50.0 "
    "DiabetesPedigree:0.1..2.0 Age:21..80 Outcome:0|0|1"},
    "fraud": {"card_transactions.csv": "txn_id:id ts:hour amount:1.0..900.0 merchant_cat:food|fuel|web V1:-3.0..3.0 "
    "V2:-3.0..3.0 Class:0|0|0|0|1"},
    "concrete": {"mix_tests.csv": "cement:100.0..540.0 slag:0.0..350.0 water:120.0..247.0 age_days:3|7|14|28|90 "
    "strength_mpa:2.0..82.0"},
    "subs": {"subscriptions.csv": "account_id:id plan:S|M|L signup:day seats:1..60 mrr_eur:10.0..900.0 cancelled_at:day?"},
    "players": {"squad.csv": "player:id club:A|B|C pos:GK|DF|MF|FW age:17..38 goals:0..30 minutes_played:0..3400 "
    "market_value_eur:10000..90000000"},
    "crops": {"crop_recommendation.csv": "N:0..140 P:5..145 K:5..205 temperature:8.0..44.0 ph:3.0..10.0 "
    "rainfall:20.0..300.0 label:rice|maize|coffee|jute"},
    "readmit": {"encounters.csv": "encounter_id:id patient_nbr:100..160 age_band:[50-60)|[60-70) time_in_hospital:1..14 "
    "readmitted:NO|NO|>30|<30"},
    "kunden": {"kunden.csv": "Kundennr:id Alter:18..90 Tarif:Basis|Komfort Umsatz:10.0..900.0 Gekündigt:nein|nein|ja"},
    "air": {"air_quality.csv": "date:day wind_ms:0.0..12.0 no2_ugm3:2.0..90.0 pm25:2.0..80.0"},
    "movies": {"films.csv": "title:id genre:drama|comedy|horror budget_musd:1.0..200.0 runtime_min:70..180 "
    "imdb_score:2.0..9.5 gross_musd:0.0..900.0 won_award:False|False|True"},
    "delivery": {"food_orders.csv": "order_id:id restaurant:Luigi|Wok|Taj distance_km:0.3..12.0 placed_at:hour "
    "minutes_to_door:12..95 refunded:no|no|no|yes"},
    "water": {"pumps.csv": "pump_id:id region:Iringa|Mbeya height_gps:0..2000 payment:monthly|never",
    "condition.csv": "pump_id:id status_group:functional|functional|non_functional|functional_needs_repair"},
    "icu": {"icu_stays.csv": "stay_id:id age:18..95 sofa:0..20 lactate:0.5..12.0 expired_flag:0|0|0|1 los_days:0.5..30.0"},
    "staffing": {"people_ops.csv": "badge:id hired_on:day unit:Ops|IT weekly_hours:10..60 engagement:1.0..10.0 left_on:day?"},
    "exam": {"grades.csv": "id:id gender:f|m prep_course:none|completed math~score:0..100 reading~score:0..100"},
    "library": {"borrowings.csv": "loan_no:id shelf:fiction|science pages:80..900 days_kept:1..60 brought_back_late:0|0|1"},
    "rail": {"stops_log.csv": "id:id planned_arr:hour arr_dev_min:-4..60 cancelled_stop:0|0|0|1"},
    "claims": {"policies.csv": "policy:id driver_age:18..90 car_power:50..400 n_claims:0|0|0|1|2 claim_cost:0.0..9000.0 "
    "suspected:legit|legit|legit|fraud"},
    "chess": {"games.csv": "g:id white_elo:900..2800 black_elo:900..2800 moves:10..120 winner:white|black|draw"},
    "candidates": {"candidates.csv": "cand:id schooling:BSc|MSc|none yrs_exp:0..30 asked_wage:20000..90000 "
    "got_the_job:True|False|False"},
}  # fmt: skip

BINARY, CLASSES, NUMBER, SERIES = "binary", "multiclass", "regression", "forecast"

# folder, request, task, target, metric, positive
RIGHT: list[tuple[str, str, str, str | None, str, Any]] = [
    ("listings", "How much can I charge per night for my flat? MAE under 25 dollars", NUMBER, "price", "mae", None),
    ("listings", "which hosts are superhosts?", BINARY, "superhost", "roc_auc", True),
    ("listings", "estimate rent prices w/o neighbourhood, R2 of 0.6", NUMBER, "price", "r2", None),
    ("listings", "is the room private or an entire home", BINARY, "room_type", "roc_auc", "Private room"),
    ("staff", "which of my people are about to hand in their notice? At least 80% AUC please.", BINARY, "Attrition", "roc_auc", True),
    ("staff", "who is going to leave the company in the next 6 months?", BINARY, "Attrition", "roc_auc", True),
    ("staff", "staff turnover", BINARY, "Attrition", "roc_auc", True),
    ("staff", "salary prediction, within 15%", NUMBER, "MonthlyIncome", "mape", None),
    ("bank", "Will a client subscribe to a term deposit?", BINARY, "y", "roc_auc", True),
    ("bank", "which clients have a housing loan", BINARY, "housing", "roc_auc", True),
    ("credit", "predict which loans will be charged off", BINARY, "\"loan_status\" = 'Charged Off'", "roc_auc", True),
    ("credit", "predict loan default", BINARY, "\"loan_status\" = 'Charged Off'", "roc_auc", True),
    ("credit", "predict the loan grade", CLASSES, "grade", "log_loss", None),
    ("credit", "what interest rate will a borrower get", NUMBER, "int_rate", "rmse", None),
    ("ship", "Predict the survival of passengers. Accuracy should be better than 80 %.", BINARY, "Survived", "accuracy", 1),
    ("ship", "which passengers died?", BINARY, "Survived", "roc_auc", 0),
    ("ship", "how much did a passenger pay for the ticket", NUMBER, "Fare", "rmse", None),
    ("ship", "in which port did each passenger embark", CLASSES, "Embarked", "log_loss", None),
    ("heart", "predict whether a patient has a heart condition, f1 >= .7", BINARY, "col_5", "f1", 1),
    ("tumour", "classify tumours as malignant or benign", BINARY, "col_1", "roc_auc", "M"),
    ("flowers", "tell setosa, versicolor and virginica apart", CLASSES, "col_3", "log_loss", None),
    ("flowers", "which type of iris is it? accuracy > 95%", CLASSES, "col_3", "accuracy", None),
    ("energy", "hourly power demand forecast, MAPE below 8 percent", SERIES, "load_kw", "mape", None),
    ("energy", "predict consumption from the outside temperature", NUMBER, "load_kw", "rmse", None),
    ("trams", "which trips are delayed by more than 5 minutes, explainable please", BINARY, '"delay_sec" > 300', "roc_auc", True),
    ("trams", "predict delay, using only what is known before departure", NUMBER, "delay_sec", "rmse", None),
    ("insurance", "predict the medical costs of an insured person", NUMBER, "charges", "rmse", None),
    ("insurance", "who smokes?", BINARY, "smoker", "roc_auc", True),
    ("insurance", "which clients cost us more than 20.000 euros a year", BINARY, '"charges" > 20000', "roc_auc", True),
    ("cars", "what is my car worth", NUMBER, "asking_price", "rmse", None),
    ("cars", "predict the mileage of a vehicle", NUMBER, "km_driven", "rmse", None),
    ("tickets", "set the priority of incoming tickets automatically", CLASSES, "priority", "log_loss", None),
    ("tickets", "how long will it take to resolve a ticket (hours)?", NUMBER, "hours_to_close", "rmse", None),
    ("tickets", "Which tickets will be escalated?", BINARY, "escalated", "roc_auc", True),
    ("tweets", "sentiment analysis of tweets", CLASSES, "airline_sentiment", "log_loss", None),
    ("tweets", "recognise unhappy customers from their tweets", BINARY, "\"airline_sentiment\" = 'negative'", "roc_auc", True),
    ("pima", "predict diabetes", BINARY, "Outcome", "roc_auc", 1),
    ("fraud", "flag fraudulent card transactions in real time, p99 under 10 ms, 5M requests a day", BINARY, "Class", "roc_auc", 1),
    ("concrete", "how strong will the concrete be after 28 days?", NUMBER, "strength_mpa", "rmse", None),
    ("subs", "churn prediction for our subscriptions, AUC > 0.7", BINARY, '"cancelled_at" IS NOT NULL', "roc_auc", True),
    ("subs", "predict monthly recurring revenue per account", NUMBER, "mrr_eur", "rmse", None),
    ("players", "what position does a player play?", CLASSES, "pos", "log_loss", None),
    ("players", "how many goals will a player score", NUMBER, "goals", "rmse", None),
    ("crops", "which crop should I plant?", CLASSES, "label", "log_loss", None),
    ("readmit", "will a patient be readmitted within 30 days", BINARY, "\"readmitted\" = '<30'", "roc_auc", True),
    ("readmit", "predict which patients will be readmitted", BINARY, "\"readmitted\" <> 'NO'", "roc_auc", True),
    ("kunden", "predict which customers will churn", BINARY, "Gekündigt", "roc_auc", True),
    ("kunden", "predict the turnover of a customer", NUMBER, "Umsatz", "rmse", None),
    ("air", "forecast PM2.5 for tomorrow", SERIES, "pm25", "rmse", None),
    ("movies", "how much money will a film make at the box office, mape 30%", NUMBER, "gross_musd", "mape", None),
    ("movies", "which films will win an award?", BINARY, "won_award", "roc_auc", True),
    ("delivery", "delivery time in minutes, off by no more than 4 minutes on average", NUMBER, "minutes_to_door", "mae", None),
    ("delivery", "Will the food arrive within 30 minutes?", BINARY, '"minutes_to_door" <= 30', "roc_auc", True),
    ("water", "predict which water pumps are non functional", BINARY, "\"status_group\" = 'non functional'", "roc_auc", True),
    ("icu", "predict in-hospital mortality", BINARY, "expired_flag", "roc_auc", 1),
    ("icu", "who survives the intensive care", BINARY, "expired_flag", "roc_auc", 0),
    ("staffing", "which employees will leave within 3 months?", BINARY, '"left_on" IS NOT NULL', "roc_auc", True),
    ("exam", "which pupils get more than 70 points in math", BINARY, '"math score" > 70', "roc_auc", True),
    ("exam", "Which students completed the preparation course?", BINARY, "prep_course", "roc_auc", "completed"),
    ("library", "Which books will come back late?", BINARY, "brought_back_late", "roc_auc", 1),
    ("library", "for how many days is a book kept", NUMBER, "days_kept", "rmse", None),
    ("rail", "predict the arrival delay of trains in minutes", NUMBER, "arr_dev_min", "rmse", None),
    ("rail", "which trains arrive more than six minutes late?", BINARY, '"arr_dev_min" > 6', "roc_auc", True),
    ("claims", "which policyholders will file a claim?", BINARY, '"n_claims" > 0', "roc_auc", True),
    ("claims", "find fraudulent claims, 0.9 AUC, 1000 requests per hour", BINARY, "suspected", "roc_auc", "fraud"),
    ("chess", "who wins the game?", CLASSES, "winner", "log_loss", None),
    ("chess", "predict if white wins", BINARY, "\"winner\" = 'white'", "roc_auc", True),
    ("chess", "predict the length of a game in moves", NUMBER, "moves", "rmse", None),
    ("candidates", "who will get hired?", BINARY, "got_the_job", "roc_auc", True),
]  # fmt: skip

IMPOSSIBLE: list[tuple[str, str]] = [
    ("listings", "predict which customers will churn"),
    ("staff", "forecast tomorrow's bitcoin price"),
    ("ship", "which patients will develop cancer"),
    ("flowers", "predict the salary of nurses"),
    ("energy", "detect spam mails"),
    ("insurance", "predict the winner of the football match"),
    ("cars", "Which students will pass the exam?"),
    ("concrete", "recognise handwritten digits"),
    ("pima", "predict which flights will be late"),
    ("heart", "predict the price of a used car"),
    ("heart", "detect spam"),
    ("subs", "predict the price of oil"),
    ("movies", "predict genre with rmse below 2"),
    ("movies", "asdf qwer"),
    ("cars", "predict the asking price, AUC above 0.9"),
    ("air", "forecast the number of hospital admissions for next week"),
    ("delivery", "predict the tip"),
    ("exam", "Can you help me with my data?"),
]


def _values(kind: str, rows: int, random: Random) -> list[object]:
    day = [f"2022-{1 + i // 28 % 12:02d}-{1 + i % 28:02d}" for i in range(rows)]
    if kind == "id":
        return [f"K{1000 + i}" for i in range(rows)]
    if kind == "day":
        return list(day)
    if kind == "day?":
        return [value if random.random() < 0.25 else "" for value in day]
    if kind == "hour":
        return [f"{day[i // 24]} {i % 24:02d}:00:00" for i in range(rows)]
    if kind == "text":
        words = "slow parcel broken please help thanks great awful love hate late train".split()
        return [" ".join(random.choices(words, k=10)) + f" {i}" for i in range(rows)]
    if ".." in kind:
        low, high = kind.split("..")
        if "." in low or "." in high.removeprefix("-").replace("..", ""):
            return [round(random.uniform(float(low), float(high)), 2) for _ in range(rows)]
        return [random.randint(int(low), int(high)) for _ in range(rows)]
    return [random.choice(kind.split("|")).replace("_", " ") for _ in range(rows)]


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory):
    found = {}

    def discovered(name):
        if name not in found:
            folder = tmp_path_factory.mktemp(name)
            for file, text in TABLES[name].items():
                random = Random(len(text))
                columns = [column.split(":", 1) for column in text.split()]
                values = [_values(kind, 160, random) for _, kind in columns]
                with (folder / file).open("w", encoding="utf-8", newline="") as stream:
                    writer = csv.writer(stream)
                    if not file.endswith(".data"):
                        writer.writerow([column.replace("~", " ") for column, _ in columns])
                    writer.writerows(zip(*values, strict=True))
            found[name] = discover(folder).catalog
        return found[name]

    return discovered


@pytest.mark.parametrize(
    ("folder", "request_", "task", "target", "metric", "positive"), RIGHT, ids=lambda value: str(value)[:50]
)
def test_request_is_understood(folder, request_, task, target, metric, positive, catalogs):
    spec = ground(parse_request(request_), catalogs(folder), source=folder).spec
    assert (spec.task.type, spec.target.sql or spec.target.column, spec.metric.name) == (task, target, metric)
    assert spec.target.positive == positive


@pytest.mark.parametrize(("folder", "request_"), IMPOSSIBLE)
def test_impossible_request_is_refused(folder, request_, catalogs):
    with pytest.raises(AutomlError) as raised:
        ground(parse_request(request_), catalogs(folder), source=folder)
    assert raised.value.exit_code == 2

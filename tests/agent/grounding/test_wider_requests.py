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


TABLES |= {
    "museum": {
        "museum_visits.csv": "ticket:id entered:hour gallery:east|west group_size:1..9 minutes_inside:5..240 bought_souvenir:0|0|1 "
        "spent_gbp:0.0..80.0",
    },
    "reactor": {
        "batches.csv": "batch:id feed_rate:1.0..9.0 reactor_t:150.0..260.0 catalyst:A|B purity_pct:70.0..99.9 "
        "off_spec:no|no|yes",
    },
    "donors": {
        "supporters.csv": "donor_id:id zip_region:N|S|W first_gift:day gifts_total:1..40 last_gift_amount:5.0..300.0 "
        "responded_last_mailing:0|0|0|1 lapsed:0|0|1",
    },
    "taxi": {
        "cab_rides.csv": "ride:id pickup_time:hour pickup_zone:1..60 distance_mi:0.3..20.0 n_riders:1..5 fare_usd:4.0..90.0 "
        "tip_usd:0.0..20.0 paid_cash:Y|N",
    },
    "turbine": {
        "windfarm_scada.csv": "ts:hour wind_speed:0.0..25.0 blade_angle:0.0..90.0 rotor_rpm:0.0..20.0 power_out_kw:0.0..3000.0 "
        "alarm:0|0|0|0|1",
    },
    "milk": {
        "cows.csv": "ear_tag:id breed:Holstein|Jersey lactation_no:1..8 days_in_milk:5..300 litres_day:5.0..45.0 "
        "mastitis:no|no|no|yes",
    },
    "patents": {
        "filings.csv": "app_no:id office:EP|US|JP pages:4..200 n_claims:1..60 granted:yes|no examiner_days:100..2000",
    },
    "wifi": {
        "access_points.tsv": "ap_id:id floor:1..12 clients_max:0..120 channel:1|6|11 throughput_mbps:1.0..900.0 uptime_h:1..900 "
        "firmware:v1|v2",
    },
    "invoices": {
        "ledger.csv": "inv_no:id supplier:Acme|Blob|Corp issued:day net_amount:10.0..9000.0 payment_terms:14|30|60 "
        "days_to_payment:1..120 disputed:n|n|n|y",
    },
    "gamers": {
        "accounts.csv": "uid:id platform:pc|console level:1..80 hours_played:0.0..900.0 friends:0..200 purchases:0..30 "
        "uninstalled:false|false|true",
    },
    "roads": {
        "crashes.csv": "case_nr:id happened:day speed_limit:30|50|80|100 light:day|dark surface:dry|wet injured:0..6 "
        "severity:slight|serious|fatal",
    },
    "tea": {
        "tea.data": "a:1..9 b:0.0..5.0 c:0.0..3.0 d:green|black|oolong",
    },
    "cells": {
        "plate.csv": "well:id dose_um:0.0..100.0 cell_line:HeLa|HEK viability:0.0..100.0 responder:1|0|0",
    },
    "recruit": {
        "pipeline.csv": "applicant_ref:id source:web|referral score_interview:1..10 offer_made:Y|N|N accepted:Y|N "
        "salary_offered:30000..120000",
    },
    "schoolbus": {
        "routes.csv": "route:id driver_age:25..65 stops:3..30 km:2.0..60.0 arrival_status:on_time|on_time|late "
        "children:5..50",
    },
    "ozone": {
        "stations_daily.csv": "obs_date:day sunshine_h:0.0..16.0 max_temp:-5.0..38.0 o3_peak:10.0..240.0 exceeded:0|0|0|1",
    },
    "kita": {
        "children.csv": "kid:id months_old:6..72 siblings:0..4 sick_days:0..40 parents_satisfied:yes|yes|no withdrew:0|0|0|1",
    },
    "vineyard": {
        "parcels_vin.csv": "parcel:id grape:riesling|pinot slope_deg:0..40 sun_hours:900..2200 must_weight_oe:60..110 "
        "rot_infected:0|0|1",
    },
    "airline": {
        "bookings.csv": "pnr:id fare_class:Y|J|F days_before:0..200 bags:0..3 paid_eur:40.0..2500.0 no_show:0|0|0|1 "
        "upgraded:0|1",
    },
    "garage": {
        "workshop_jobs.csv": "job:id car_age:0..25 km:1000..300000 job_type:inspection|repair|tyres parts_cost:10.0..2000.0 "
        "labour_hours:0.5..20.0 came_back:no|no|yes",
    },
    "factory": {
        "line3.csv": "part_no:id cycle_time_s:10.0..40.0 torque:1.0..9.0 temp_mould:150.0..230.0 scrap:OK|OK|OK|NOK",
    },
    "podcast": {
        "episodes.csv": "ep:id released:day length_min:10..120 guests:0..3 downloads:100..90000 topic:tech|news|comedy",
    },
    "ngo": {
        "villages.csv": "village:id households:20..900 distance_road_km:0.1..40.0 well_depth_m:5..90 water_safe:yes|no|yes "
        "poverty_rate:0.0..80.0",
    },
    "gymapp": {
        "users.csv": "user:id signup_channel:ad|friend workouts_week:0.0..7.0 premium:true|false|false|false age:16..70",
        "sessions.csv": "sid:id device:ios|android mins:1..90",
    },
    "shipping": {
        "voyages.csv": "voyage:id vessel_type:tanker|bulk distance_nm:50.0..9000.0 cargo_t:100..90000 fuel_t:1.0..900.0 "
        "delayed_h:-5..100",
    },
    "court": {
        "cases.csv": "docket:id court:north|south charge:theft|fraud|assault prior_convictions:0..9 "
        "verdict:guilty|not_guilty sentence_months:0..240",
    },
    "bees": {
        "hives.csv": "hive:id apiary:A|B varroa_count:0..90 winter_losses:died|survived|survived honey_kg:0.0..60.0",
    },
    "mobile": {
        "network_kpi.csv": "stamp:hour cell:C1|C2|C3 users_active:0..900 drop_rate:0.0..5.0 traffic_gb:0.0..80.0",
    },
    "rentals": {
        "ski_hire.csv": "rental:id hired_at:day height_cm:140..205 boot_size:35..47 days_rented:1..14 damaged:N|N|N|Y "
        "total_chf:30.0..600.0",
    },
    "quality": {
        "lab.data": "a:0.0..9.0 b:0.0..1.0 c:1.0..5.0 d:pass|pass|fail",
    },
    "energy2": {
        "homes.csv": "home:id sqm:30.0..300.0 insulation:none|good heating:gas|oil|heatpump kwh_year:2000..40000 "
        "energy_label:A|B|C|D",
    },
    "pottery": {
        "kiln_loads.csv": "load_no:id glaze:celadon|tenmoku|ash peak_temp_c:1100.0..1300.0 hold_min:10..90 pots_cracked:0..6 "
        "sold_price_chf:20.0..300.0 sold_out:yes|no",
    },
    "choir": {
        "singers.csv": "singer_ref:id voice:alto|bass|tenor years_in:0..40 rehearsals_missed:0..20 dues_paid:Y|Y|N "
        "keeps_singing:Y|Y|N",
    },
    "lighthouse": {
        "visitors_daily.csv": "on_date:day sunny_hours:0.0..14.0 cruise_ships:0..4 tickets_sold:0..900",
    },
    "cables": {
        "segments.csv": "segment:id depth_m:5..4000 age_yr:0..40 repairs:0..9 mean_load_pct:1.0..99.0 "
        "broke_next_year:0|0|0|0|1",
    },
    "orchid": {
        "plants.csv": "tag:id pot_cm:6|9|12 light_lux:500.0..9000.0 waterings:1..9 petal_colour:white|pink|yellow "
        "flower_count:0..30 bloomed:true|false",
    },
    "claimsx": {
        "pet_policies.csv": "policy_ref:id animal:cat|dog age_months:2..180 premium_month:5.0..60.0 claimed_eur:0.0..3000.0 "
        "renewed:1|1|0",
    },
    "letters": {
        "letters.data": "a:0..15 b:0..15 c:0.0..9.0 d:urgent|normal|normal",
    },
    "chess2": {
        "tutor_log.tsv": "pupil_nr:id lessons:1..80 puzzles_solved:0..900 rating_now:600..2200 rating_in_3m:600..2300 "
        "gave_up:no|no|yes",
    },
    "canteen": {
        "meals.csv": "served_on:day weekday:mon|tue|wed menu:veg|meat guests:40..600 leftovers_kg:0.0..60.0",
    },
    "rescue": {
        "callouts.csv": "callout:id region:alps|coast hour_of_day:0..23 wind_bft:0..11 response_min:5..120 outcome_code:1|2|3 "
        "helicopter_used:Y|N",
    },
    "mix": {
        "lots.csv": "lot:id oven:1|2|3 moisture:1.0..9.0",
        "results_qc.csv": "lot:id grade_class:A|B|C density:0.5..2.0 rejected:0|0|1",
    },
    "theatre": {
        "seasons_tix.csv": "holder_no:id seats:1..6 joined_in:1990..2023 plays_seen:0..20 spend_bar_gbp:0.0..200.0 "
        "cancelled_sub:0|0|0|1",
    },
    "quarry": {
        "blasts.csv": "blast_id:id holes:5..80 charge_kg:10.0..900.0 rock:granite|lime vibration_mm_s:0.1..40.0 "
        "complaint_received:Y|N|N",
    },
    "kayak": {
        "rental_hours.csv": "slot:hour water_level_cm:20..200 air_c:-2.0..35.0 holiday:0|1 boats_out:0..60",
    },
    "dental": {
        "appointments.csv": "appt_id:id patient_age:3..90 days_since_booked:0..120 reminder_sent:yes|no "
        "treatment:filling|cleaning|crown attended:yes|yes|yes|no bill_amount:30.0..900.0",
    },
    "seeds": {
        "lots.csv": "lot_code:id variety:A1|B2|C3 storage_days:1..400 humidity_pct:5.0..20.0 germination_rate:10.0..99.0",
    },
    "helpline": {
        "tickets.csv": "ref:id txt:text team:north|south|west reopened:true|false|false stars_given:1|2|3|4|5",
    },
    "yacht": {
        "hulls.data": "a:0.0..1.0 b:2.0..6.0 c:0.1..0.5 d:0.0..60.0",
    },
    "tolls": {
        "plaza_daily.csv": "date:day plaza:N1|N2 lorries:0..900 cars:100..9000 receipts_eur:1000.0..90000.0",
    },
    "fibre": {
        "spools.csv": "spool:id draw_speed:5.0..30.0 coating_t:20.0..60.0 loss_db_km:0.1..0.9 class:good|good|bad",
    },
    "dogs": {
        "shelter.csv": "animal_ref:id kind:dog|cat age_w:4..600 intake:stray|surrender days_in_shelter:1..300 "
        "outcome:adopted|transfer|euthanised",
    },
    "bakeoff": {
        "entries.csv": "baker:id sugar_g:0..500 oven_c:150..240 bake_min:10..90 judge_mark:1.0..10.0 winner:no|no|no|yes",
    },
}  # fmt: skip

RIGHT += [
    ("museum", "predict how long a visitor stays in the museum", NUMBER, "minutes_inside", "rmse", None),
    ("museum", "Who buys a souvenir? AUC over 0.7 would be nice", BINARY, "bought_souvenir", "roc_auc", 1),
    ("museum", "how much will people spend; mean absolute error less than 5 pounds", NUMBER, "spent_gbp", "mae", None),
    ("reactor", "predict purity of a batch, rmse < 1.5", NUMBER, "purity_pct", "rmse", None),
    ("reactor", "which batches will be off spec?", BINARY, "off_spec", "roc_auc", True),
    ("reactor", "Which catalyst was used", BINARY, "catalyst", "roc_auc", ...),
    ("donors", "predict who will respond to the next mailing", BINARY, "responded_last_mailing", "roc_auc", 1),
    ("donors", "which donors are we going to lose", BINARY, "lapsed", "roc_auc", 1),
    ("donors", "estimate the gift amount of a donor", NUMBER, "last_gift_amount", "rmse", None),
    ("taxi", "estimate the fare of a cab ride", NUMBER, "fare_usd", "rmse", None),
    ("taxi", "Predict the tip amount without using the fare. MAE below $1", NUMBER, "tip_usd", "mae", None),
    ("taxi", "will the customer pay in cash?", BINARY, "paid_cash", "roc_auc", True),
    ("turbine", "forecast the power output for the next 6 hours", SERIES, "power_out_kw", "rmse", None),
    ("turbine", "predict electricity production from wind speed", NUMBER, "power_out_kw", "rmse", None),
    ("turbine", "predict when an alarm goes off in the next hour", BINARY, "alarm", "roc_auc", 1),
    ("milk", "how many litres of milk does a cow give per day", NUMBER, "litres_day", "rmse", None),
    ("milk", "detect mastitis early", BINARY, "mastitis", "roc_auc", True),
    ("milk", "milk yield", NUMBER, "litres_day", "rmse", None),
    ("patents", "will the patent be granted? accuracy>0.8", BINARY, "granted", "accuracy", True),
    ("patents", "how long does the examiner need", NUMBER, "examiner_days", "rmse", None),
    ("wifi", "predict the throughput of an access point", NUMBER, "throughput_mbps", "rmse", None),
    ("invoices", "how many days until an invoice is paid", NUMBER, "days_to_payment", "rmse", None),
    ("invoices", "which invoices will be disputed by the supplier", BINARY, "disputed", "roc_auc", True),
    ("invoices", "which invoices are paid later than 45 days", BINARY, '"days_to_payment" > 45', "roc_auc", True),
    ("gamers", "which players will uninstall the game", BINARY, "uninstalled", "roc_auc", True),
    ("gamers", "player churn", BINARY, "uninstalled", "roc_auc", True),
    ("gamers", "who is going to purchase something", BINARY, '"purchases" > 0', "roc_auc", True),
    ("roads", "predict the severity of an accident", CLASSES, "severity", "log_loss", None),
    ("roads", "which crashes are fatal?", BINARY, '"severity" = \'fatal\'', "roc_auc", True),
    ("roads", "number of injured people per crash", NUMBER, "injured", "rmse", None),
    ("tea", "what kind of tea is it", CLASSES, "col_3", "log_loss", None),
    ("tea", "classify tea: green, black or oolong", CLASSES, "col_3", "log_loss", None),
    ("cells", "predict cell viability after treatment", NUMBER, "viability", "rmse", None),
    ("cells", "identify responders", BINARY, "responder", "roc_auc", 1),
    ("recruit", "will the applicant accept the offer", BINARY, "accepted", "roc_auc", True),
    ("recruit", "what salary should we offer", NUMBER, "salary_offered", "rmse", None),
    ("schoolbus", "will the bus be late", BINARY, "arrival_status", "roc_auc", 'late'),
    ("schoolbus", "predict whether a bus arrives on time", BINARY, "arrival_status", "roc_auc", 'on time'),
    ("schoolbus", "how many children ride on a route", NUMBER, "children", "rmse", None),
    ("ozone", "forecast the ozone peak for the next 3 days", SERIES, "o3_peak", "rmse", None),
    ("ozone", "on which days will the limit be exceeded", BINARY, "exceeded", "roc_auc", 1),
    ("ozone", "predict o3_peak, R2 >= 0.6, train at most 3 minutes, explainable", NUMBER, "o3_peak", "r2", None),
    ("kita", "Which kids will be taken out of the kindergarten (withdraw)?", BINARY, "withdrew", "roc_auc", 1),
    ("kita", "how many days will a child be sick", NUMBER, "sick_days", "rmse", None),
    ("kita", "are the parents happy?", BINARY, "parents_satisfied", "roc_auc", True),
    ("vineyard", "We want to make a prognosis of the must weight, error maximal 3 oe", NUMBER, "must_weight_oe", "mae", None),
    ("vineyard", "detect rot", BINARY, "rot_infected", "roc_auc", 1),
    ("vineyard", "what grape grows there?", BINARY, "grape", "roc_auc", ...),
    ("airline", "which passengers will not show up", BINARY, "no_show", "roc_auc", 1),
    ("airline", "predict no shows with at least 0.75 AUC", BINARY, "no_show", "roc_auc", 1),
    ("airline", "ticket price prediction; RMSE lower than 100 EUR", NUMBER, "paid_eur", "rmse", None),
    ("airline", "who gets an upgrade", BINARY, "upgraded", "roc_auc", 1),
    ("garage", "How long will the job take (labour hours)?", NUMBER, "labour_hours", "rmse", None),
    ("garage", "will the customer come back with the same problem?", BINARY, "came_back", "roc_auc", True),
    ("garage", "estimate the cost of parts within 25 %", NUMBER, "parts_cost", "mape", None),
    ("factory", "predict scrap", BINARY, "scrap", "roc_auc", 'NOK'),
    ("factory", "which parts are not OK?", BINARY, "scrap", "roc_auc", 'NOK'),
    ("factory", "find defective parts. F1 > 0.5, latency 5 ms", BINARY, "scrap", "f1", 'NOK'),
    ("podcast", "how many downloads will an episode get", NUMBER, "downloads", "rmse", None),
    ("podcast", "classify the episodes by topic with 70% accuracy", CLASSES, "topic", "accuracy", None),
    ("ngo", "is the water safe to drink", BINARY, "water_safe", "roc_auc", True),
    ("ngo", "predict the poverty rate of a village, R2 at least 0.5, must be understandable for the ministry", NUMBER, "poverty_rate", "r2", None),
    ("ngo", "where is the water unsafe", BINARY, "water_safe", "roc_auc", False),
    ("gymapp", "who upgrades to premium?", BINARY, "premium", "roc_auc", True),
    ("gymapp", "predict how often a user works out per week", NUMBER, "workouts_week", "rmse", None),
    ("shipping", "estimate fuel consumption of a voyage", NUMBER, "fuel_t", "rmse", None),
    ("shipping", "how many hours is a ship delayed", NUMBER, "delayed_h", "rmse", None),
    ("shipping", "which voyages are late by more than 1 day?", BINARY, '"delayed_h" > 24', "roc_auc", True),
    ("court", "predict the verdict", BINARY, "verdict", "roc_auc", ...),
    ("court", "who will be found guilty", BINARY, "verdict", "roc_auc", 'guilty'),
    ("court", "length of the sentence in months", NUMBER, "sentence_months", "rmse", None),
    ("bees", "which hives will die in winter", BINARY, "winter_losses", "roc_auc", 'died'),
    ("bees", "honey harvest in kg", NUMBER, "honey_kg", "rmse", None),
    ("bees", "will a colony survive the winter", BINARY, "winter_losses", "roc_auc", 'survived'),
    ("mobile", "forecast traffic per cell for the next 24 hours", SERIES, "traffic_gb", "rmse", None),
    ("mobile", "what will be the drop rate", NUMBER, "drop_rate", "rmse", None),
    ("rentals", "which skis come back damaged", BINARY, "damaged", "roc_auc", True),
    ("rentals", "for how many days are skis rented", NUMBER, "days_rented", "rmse", None),
    ("quality", "will the sample fail the test", BINARY, "col_3", "roc_auc", 'fail'),
    ("energy2", "predict the yearly energy use of a home, +/- 10%", NUMBER, "kwh_year", "mape", None),
    ("energy2", "assign the energy label", CLASSES, "energy_label", "log_loss", None),
    ("energy2", "which homes use more than 20 000 kWh a year", BINARY, '"kwh_year" > 20000', "roc_auc", True),
    ("pottery", "Predict how many pots crack in a load", NUMBER, "pots_cracked", "rmse", None),
    ("pottery", "will a load sell out? accuracy over 75%", BINARY, "sold_out", "accuracy", True),
    ("pottery", "estimate the selling price, mean error less than 20 francs", NUMBER, "sold_price_chf", "mae", None),
    ("pottery", "which glaze was used for a load?", CLASSES, "glaze", "log_loss", None),
    ("choir", "who is going to stop singing with us next season", BINARY, "keeps_singing", "roc_auc", False),
    ("choir", "which singers haven't paid their dues", BINARY, "dues_paid", "roc_auc", False),
    ("choir", "predict membership churn, explainable, auc > 0.7", BINARY, "keeps_singing", "roc_auc", False),
    ("choir", "How many rehearsals will a singer miss?", NUMBER, "rehearsals_missed", "rmse", None),
    ("choir", "classify the voice of a singer", CLASSES, "voice", "log_loss", None),
    ("lighthouse", "forecast ticket sales for the next 14 days", SERIES, "tickets_sold", "rmse", None),
    ("lighthouse", "How many visitors will come tomorrow? within 15%", SERIES, "tickets_sold", "mape", None),
    ("cables", "which cable segments will break within a year", BINARY, "broke_next_year", "roc_auc", 1),
    ("cables", "predict cable faults, average precision at least 0.4, 200 requests per minute", BINARY, "broke_next_year", "average_precision", 1),
    ("cables", "number of repairs of a segment", NUMBER, "repairs", "rmse", None),
    ("orchid", "will the orchid bloom", BINARY, "bloomed", "roc_auc", True),
    ("orchid", "predict the colour of the petals", CLASSES, "petal_colour", "log_loss", None),
    ("orchid", "count of flowers per plant; r2>0.4; do not use pot size", NUMBER, "flower_count", "r2", None),
    ("claimsx", "which customers will not renew their policy", BINARY, "renewed", "roc_auc", 0),
    ("claimsx", "Which policyholders stay?", BINARY, "renewed", "roc_auc", 1),
    ("claimsx", "predict the amount claimed", NUMBER, "claimed_eur", "rmse", None),
    ("claimsx", "who claims more than 1.000 euro", BINARY, '"claimed_eur" > 1000', "roc_auc", True),
    ("claimsx", "what should the monthly premium be", NUMBER, "premium_month", "rmse", None),
    ("letters", "recognise urgent letters", BINARY, "col_3", "roc_auc", 'urgent'),
    ("letters", "tell urgent letters apart from normal letters, F1 above 0.8", BINARY, "col_3", "f1", 'urgent'),
    ("chess2", "predict the rating of a pupil in 3 months", NUMBER, "rating_in_3m", "rmse", None),
    ("chess2", "which pupils will give up?", BINARY, "gave_up", "roc_auc", True),
    ("chess2", "who drops out, budget 90s", BINARY, "gave_up", "roc_auc", True),
    ("canteen", "how many guests will eat in the canteen each day next week", SERIES, "guests", "rmse", None),
    ("canteen", "predict food waste in kg", NUMBER, "leftovers_kg", "rmse", None),
    ("rescue", "how long until the rescuers arrive? mae below 6 minutes", NUMBER, "response_min", "mae", None),
    ("rescue", "predict the outcome of a callout", CLASSES, "outcome_code", "log_loss", None),
    ("rescue", "is a helicopter needed", BINARY, "helicopter_used", "roc_auc", True),
    ("mix", "predict which lots get rejected", BINARY, "rejected", "roc_auc", 1),
    ("mix", "grade prediction for lots", CLASSES, "grade_class", "log_loss", None),
    ("mix", "predict the density from the oven settings, RMSE < 0.1", NUMBER, "density", "rmse", None),
    ("theatre", "Predict which season ticket holders will cancel. AUC at least 0.7.", BINARY, "cancelled_sub", "roc_auc", 1),
    ("theatre", "how much does a subscriber spend at the bar", NUMBER, "spend_bar_gbp", "rmse", None),
    ("theatre", "who is about to leave us", BINARY, "cancelled_sub", "roc_auc", 1),
    ("theatre", "estimate the number of plays a holder sees, rmse under 3", NUMBER, "plays_seen", "rmse", None),
    ("quarry", "will neighbours complain about a blast?", BINARY, "complaint_received", "roc_auc", True),
    ("quarry", "predict ground vibration, R2 0.8", NUMBER, "vibration_mm_s", "r2", None),
    ("quarry", "blasts with vibration over 10", BINARY, '"vibration_mm_s" > 10', "roc_auc", True),
    ("kayak", "forecast the number of boats for each hour of next week", SERIES, "boats_out", "rmse", None),
    ("kayak", "how many boats will be out tomorrow", SERIES, "boats_out", "rmse", None),
    ("dental", "which patients will miss their appointment", BINARY, "attended", "roc_auc", False),
    ("dental", "predict no-shows at the dentist, F1 > 0.5, 10k requests a day", BINARY, "attended", "f1", False),
    ("dental", "what will the bill be", NUMBER, "bill_amount", "rmse", None),
    ("dental", "predict attendance", BINARY, "attended", "roc_auc", True),
    ("seeds", "predict the germination rate of a seed lot, off by at most 5 points", NUMBER, "germination_rate", "mae", None),
    ("seeds", "which variety is a lot", CLASSES, "variety", "log_loss", None),
    ("helpline", "route the messages to the right team", CLASSES, "team", "log_loss", None),
    ("helpline", "which tickets will be reopened", BINARY, "reopened", "roc_auc", True),
    ("helpline", "how many stars will we get", NUMBER, "stars_given", "rmse", None),
    ("yacht", "predict the resistance of a yacht hull", NUMBER, "col_3", "rmse", None),
    ("tolls", "forecast receipts for the next 10 days per plaza", SERIES, "receipts_eur", "rmse", None),
    ("tolls", "daily number of lorries, next month, MAPE 10%", SERIES, "lorries", "mape", None),
    ("fibre", "is a spool good or bad", BINARY, "class", "roc_auc", ...),
    ("fibre", "predict signal loss", NUMBER, "loss_db_km", "rmse", None),
    ("fibre", "detect bad spools", BINARY, "class", "roc_auc", 'bad'),
    ("dogs", "which animals get adopted", BINARY, '"outcome" = \'adopted\'', "roc_auc", True),
    ("dogs", "how long does an animal stay in the shelter", NUMBER, "days_in_shelter", "rmse", None),
    ("dogs", "predict the outcome for each animal", CLASSES, "outcome", "log_loss", None),
    ("bakeoff", "who wins the contest", BINARY, "winner", "roc_auc", True),
    ("bakeoff", "predict the mark given by the judge from the recipe", NUMBER, "judge_mark", "rmse", None),
    ("bakeoff", "baking time", NUMBER, "bake_min", "rmse", None),
]  # fmt: skip

IMPOSSIBLE += [
    ("museum", "predict which machines will fail"),
    ("reactor", "estimate the salary"),
    ("donors", "recognise spam"),
    ("taxi", "predict heart disease"),
    ("turbine", "which students drop out"),
    ("milk", "forecast the exchange rate"),
    ("wifi", "predict house prices"),
    ("gamers", "predict the yield of a field"),
    ("tea", "predict which customers will leave"),
    ("cells", "predict flight delays"),
    ("ozone", "Who will win the election?"),
    ("roads", "predict the stock price of Apple"),
    ("patents", "lorem ipsum dolor"),
    ("invoices", "hey there"),
    ("kita", "predict the oil price"),
    ("vineyard", "which customers will churn"),
    ("airline", "recognise handwriting"),
    ("garage", "predict blood pressure"),
    ("podcast", "which loans default"),
    ("court", "forecast bike rentals per hour"),
    ("bees", "predict student grades"),
    ("mobile", "what is the meaning of life"),
    ("shipping", "which emails are spam"),
    ("quality", "predict the salary"),
    ("ngo", "predict something for me"),
    ("energy2", "predict the heating with MAE under 2"),
    ("factory", "Bonjour"),
    ("pottery", "predict the weather in Berlin"),
    ("choir", "detect credit card fraud"),
    ("lighthouse", "which customers will churn"),
    ("cables", "predict the price of bitcoin"),
    ("orchid", "estimate delivery time"),
    ("claimsx", "recognise the digit on a photo"),
    ("letters", "predict house prices"),
    ("chess2", "predict tumour size"),
    ("canteen", "which flights are delayed"),
    ("rescue", "hello there"),
    ("mix", "predict things"),
    ("rescue", "predict the response time with at least 90% accuracy"),
    ("orchid", "cluster the customers of the bank"),
    ("claimsx", "predict the premium, AUC 120%"),
    ("theatre", "predict the temperature of the sea"),
    ("quarry", "which students will graduate"),
    ("kayak", "predict credit risk"),
    ("dental", "classify galaxies"),
    ("seeds", "will the flight be late"),
    ("helpline", "predict the price of a house"),
    ("yacht", "which customers churn"),
    ("tolls", "detect tumours"),
    ("fibre", "good afternoon"),
    ("dogs", "predict the exchange rate EUR/USD for next week"),
    ("bakeoff", "predict the winner with RMSE 3"),
    ("tolls", "sing me a song"),
    ("dental", "predict the bill, accuracy 90%"),
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
    if positive is not ...:
        assert spec.target.positive == positive


@pytest.mark.parametrize(("folder", "request_"), IMPOSSIBLE)
def test_impossible_request_is_refused(folder, request_, catalogs):
    with pytest.raises(AutomlError) as raised:
        ground(parse_request(request_), catalogs(folder), source=folder)
    assert raised.value.exit_code == 2

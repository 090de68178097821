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
    "bank_1": {"applications.csv": "application_id:id annual_inc:10443..198536 dti:0.04..39.99 term:36_months|36_months|36_months|36_months|60_months|60_months|60_months|60_months purpose:home|car|debt fico:602..850 loan_status:Charged_Off|Charged_Off|Charged_Off|Fully_Paid|Fully_Paid|Fully_Paid|Fully_Paid|Fully_Paid"},
    "campaign_1": {"kontakte.csv": "Kunde:id Alter:18..90 Beruf:Arzt|Lehrer|Koch Kontostand:-468..8993 Anrufe:1..9 letzterKontakt:day Abschluss:ja|ja|ja|nein|nein|nein|nein|nein"},
    "clinic_1": {"admissions.csv": "enc_id:id pat_no:2..200 age_band:[50-60)|[60-70)|[40-50) num_meds:1..40 num_labs:1..90 diag_grp:dig|circ|resp los_days:1..14 readm_30d:NO|NO|NO|NO|NO|NO|NO|YES"},
    "flowers_1": {"blooms.data": "a:4.1..7.9 b:2.0..5.0 c:1.1..7.0 d:0.0..2.9 e:virgin-like|setosa-like|vers-like"},
    "game_1": {"players.csv": "uid:id country:US|BR|IN platform:android|android|android|android|android|ios|ios|ios install_dt:day tutorial_done:0|0|0|0|0|0|0|0|0|1|1|1 retained_d7:0|0|0|0|1|1|1|1|1|1|1|1", "sessions.csv": "uid:u000244|u000230|u000267|u000115|u000166|u000066|u000255|u000219|u000170|u000081|u000139|u000241|u000232|u000275|u000061|u000020|u000043|u000053|u000258|u000133|u000111|u000131|u000193|u000196|u000289|u000298|u000112|u000082|u000076|u000045|u000233|u000065|u000047|u000104|u000008|u000290|u000212|u000057|u000078|u000177|u000157|u000226|u000046|u000293|u000067|u000208|u000199|u000135|u000245|u000178|u000278|u000071|u000238|u000144|u000006|u000099|u000086|u000004|u000160|u000297|u000261|u000109|u000121|u000021|u000183|u000110|u000189|u000204|u000127|u000253|u000190|u000156|u000003|u000123|u000075|u000263|u000175|u000237|u000010|u000022|u000060|u000259|u000114|u000173|u000281|u000176|u000143|u000031|u000207|u000015|u000211|u000213|u000126|u000138|u000145|u000122|u000091|u000168|u000080|u000016|u000087|u000001|u000284|u000167|u000077|u000034|u000197|u000056|u000246|u000033|u000017|u000206|u000105|u000180|u000108|u000174|u000272|u000092|u000294|u000264|u000291|u000100|u000009|u000101|u000062|u000286|u000089|u000164|u000209|u000234|u000103|u000085|u000125|u000256|u000094|u000202|u000228|u000093|u000134|u000137|u000250|u000023|u000162|u000025|u000224|u000147|u000236|u000243|u000268|u000165|u000048|u000252|u000140|u000018|u000146|u000013|u000058|u000265|u000152|u000032|u000088|u000098|u000169|u000186|u000161|u000285|u000054|u000262|u000242|u000179|u000002|u000051|u000182|u000083|u000064|u000188|u000036|u000011|u000231|u000225|u000215|u000229|u000171|u000283|u000090|u000295|u000227|u000072|u000218|u000181|u000288|u000269|u000095|u000217|u000069|u000037|u000223|u000148|u000120|u000249|u000159|u000240|u000039|u000012|u000194|u000198|u000191|u000266|u000151|u000220|u000221|u000050|u000007|u000000|u000150|u000079|u000124|u000195|u000019|u000030|u000273|u000270|u000214|u000187|u000154|u000052|u000040|u000136|u000282|u000287|u000203|u000210|u000247|u000222|u000117|u000155|u000044|u000205|u000068|u000257|u000073|u000271|u000116|u000296|u000024|u000129|u000028|u000239|u000132|u000106|u000216|u000005|u000277|u000254|u000074|u000149|u000276|u000200|u000251|u000235|u000070|u000130|u000035|u000279|u000141|u000059|u000042|u000172|u000027|u000280|u000063|u000041|u000118|u000185|u000299|u000142|u000274|u000153|u000084|u000096|u000260|u000107|u000201|u000055|u000113|u000128|u000158|u000102|u000184|u000014|u000119|u000292|u000163|u000038|u000049|u000192|u000029 started:day minutes:1..90 revenue_usd:0.0..19.98"},
    "homes_1": {"listings.csv": "ref:id sqft_living:401..3989 beds:1..6 baths:1..4 yr_built:1900..2020 heating:electric|oil|gas zip:10000..10020 ask_usd:83014..897235 days_on_mkt:1..200 sold:false|false|false|false|false|true|true|true"},
    "motor_1": {"policies.csv": "pol_id:id driver_age:18..85 veh_grp:A|B|D|E|C bonus_malus:50..199 region_cd:R2|R1|R3 ClaimNb:2|0|1 claim_amt:1.75..6939.48"},
    "plant_1": {"meter_readings.csv": "ts:hour temp_c:-5.0..20.0 wind_ms:0.0..12.0 kwh:50.64..199.08"},
    "reviews_1": {"comments.csv": "review:text sentiment:negative|negative|negative|negative|negative|negative|positive|positive helpful_votes:0..40"},
    "staff_1": {"personnel_2024.csv": "EmpNo:id dept:it|ops|hr monthlySalaryEUR:1805..7000 OverTime:No|No|No|No|Yes|Yes|Yes|Yes YearsInRole:0..20 lastReviewScore:1..5 commute_km:0..80 Resigned:N|N|N|N|N|N|Y|Y"},
    "water_1": {"samples.csv": "sample_no:id ph:0.021..9.957 hardness:0.04..9.905 solids_ppm:0.01..9.955 chloramines:0.041..9.977 sulfate:0.013..9.977 turbidity_ntu:0.07..9.902 Potability:0|0|0|0|0|0|0|0|0|0|1|1"},
    "abalone_2": {"shells.data": "a:F|I|M b:0.106..0.998 c:0.1..1.0 d:0.1..0.991 e:0.1..0.999 f:0.107..0.999 g:0.105..0.996 h:0.1..1.0 i:1..29"},
    "airline_2": {"satisf.csv": "id:id Gender:F|F|F|F|M|M|M|M CustomerType:Loyal|Loyal|Loyal|disloyal|disloyal|disloyal|disloyal|disloyal Age:10..80 FlightDistance:104..3999 SeatComfort:0..5 WifiService:0..5 DepDelayMin:0..90 ArrDelayMin:0..90 Satisfaction:neutral_or_dissatisfied|neutral_or_dissatisfied|neutral_or_dissatisfied|neutral_or_dissatisfied|neutral_or_dissatisfied|satisfied|satisfied|satisfied"},
    "bank_2": {"bank_additional.csv": "age:19..89 job:admin|admin|tech|tech|tech|tech|tech|tech marital:married|married|married|married|single|single|single|single default:no|yes|yes|yes|yes|yes|yes|yes housing:no|no|no|no|yes|yes|yes|yes loan:no|no|no|no|no|no|no|yes contact:cell|cell|cell|cell|cell|tel|tel|tel campaign:1..9 pdays:999 poutcome:failure|none|success y:no|no|no|no|no|no|no|yes"},
    "cars_2": {"used_cars.csv": "brand:VW|BMW|Fiat model_yr:2000..2022 odometer_km:3405..248510 fuel_type:ev|diesel|petrol gearbox:auto|auto|auto|man|man|man|man|man hp:60..399 prior_owners:1..5 price_chf:1033..59912"},
    "heart_2": {"cardio.csv": "pid:id age_yrs:30..80 sex:0|0|0|0|0|0|0|0|1|1|1|1 cp:0..3 trestbps:91..180 chol:150..400 thalach:90..200 exang:0|0|0|0|1|1|1|1|1|1|1|1 hd:0|0|0|1|1|1|1|1|1|1|1|1"},
    "mach_2": {"cnc.csv": "machine:M0|M1|M2|M3|M4|M5 ts:hour spindle_load:0..100 vib_rms:0.01..4.99 coolant_temp:20..60 tool_wear_um:0..299 tool_broken:0|0|0|0|0|0|0|0|1|1|1|1"},
    "rent_2": {"bnb.csv": "listing:id neighbourhood:A|B|C room_type:Entire|Entire|Entire|Entire|Entire|Entire|Private|Private minimum_nights:1..30 reviews_pm:0.0..8.98 availability_365:0..365 nightly_usd:41..897 superhost:f|f|f|f|f|t|t|t"},
    "school_2": {"exam_results.csv": "student_id:id parental_edu:ma|hs|ba lunch:free|standard|standard|standard|standard|standard|standard|standard prep_course:completed|completed|completed|completed|completed|none|none|none math:0..99 reading:0..100 writing:0..98"},
    "shop_2": {"bestellungen.csv": "bestellnr:id kundennr:1000..1258 datum:day betrag_eur:5.1..299.73 retoure:ja|ja|ja|nein|nein|nein|nein|nein", "kunden.csv": "kundennr:id ort:Wien|Ulm|Bern alter:18..80 seit:day newsletter:ja|ja|ja|nein|nein|nein|nein|nein gekuendigt:ja|ja|ja|nein|nein|nein|nein|nein"},
    "solar_2": {"inverter.csv": "timestamp:hour irradiance_wm2:2..999 module_temp:5..60 ambient_temp:5..35 ac_power_kw:0.13..50.0"},
    "tickets_2": {"support_tickets.csv": "ticket:id created:day subject:printer_invoice_wrong|cannot_cannot_wrong|wrong_login_slow|printer_slow_wrong|login_cannot_slow|cannot_printer_invoice|cannot_login_slow|slow_printer_login|invoice_cannot_slow|cannot_cannot_invoice|slow_wrong_printer|cannot_login_login|invoice_invoice_cannot|cannot_printer_slow|cannot_invoice_invoice|invoice_cannot_printer|cannot_login_printer|slow_cannot_printer|invoice_cannot_wrong|printer_wrong_cannot|printer_cannot_slow|printer_login_login|login_wrong_slow|wrong_cannot_cannot|slow_login_cannot|slow_printer_invoice|wrong_login_wrong|slow_printer_wrong|printer_cannot_login|slow_printer_printer|slow_wrong_invoice|invoice_wrong_printer|slow_slow_printer|cannot_printer_wrong|slow_wrong_wrong|login_login_printer|slow_wrong_slow|wrong_invoice_invoice|invoice_slow_login|invoice_login_login|login_slow_slow|wrong_printer_cannot|login_wrong_login|login_wrong_cannot|wrong_slow_invoice|printer_login_invoice|printer_cannot_cannot|login_slow_printer|printer_login_slow|invoice_wrong_cannot|invoice_cannot_login|invoice_wrong_login|cannot_invoice_cannot|printer_invoice_cannot|slow_cannot_slow|wrong_wrong_printer|cannot_cannot_cannot|cannot_wrong_slow|cannot_slow_login|wrong_printer_slow|login_cannot_invoice|cannot_wrong_login|wrong_wrong_wrong|wrong_wrong_invoice|printer_slow_invoice|invoice_login_invoice|printer_printer_invoice|printer_wrong_wrong|login_printer_invoice|slow_invoice_cannot|invoice_printer_cannot|login_login_invoice|wrong_wrong_login|slow_invoice_printer|wrong_printer_printer|slow_invoice_login|cannot_slow_printer|printer_printer_wrong|login_printer_wrong|printer_printer_cannot|cannot_wrong_cannot|wrong_printer_invoice|invoice_wrong_wrong|invoice_invoice_printer|invoice_login_printer|cannot_invoice_login|login_printer_cannot|invoice_cannot_invoice|slow_invoice_wrong|wrong_invoice_slow|cannot_cannot_printer|slow_login_login|wrong_slow_cannot|cannot_wrong_invoice|wrong_cannot_wrong|printer_login_wrong|printer_wrong_invoice|slow_wrong_cannot|wrong_cannot_login|slow_invoice_slow|cannot_slow_wrong|slow_cannot_login|invoice_slow_slow|slow_slow_slow|login_invoice_slow|slow_invoice_invoice|wrong_slow_printer|slow_login_invoice|invoice_cannot_cannot|wrong_wrong_cannot|invoice_printer_invoice|cannot_slow_invoice|cannot_slow_cannot|printer_wrong_login|login_cannot_login|wrong_login_login|slow_login_slow|cannot_printer_printer|slow_printer_slow|login_slow_invoice|printer_printer_printer|wrong_slow_wrong|wrong_slow_slow|wrong_printer_wrong|invoice_printer_login|wrong_invoice_login|invoice_invoice_invoice|cannot_login_invoice|login_cannot_cannot|printer_cannot_printer|invoice_invoice_wrong|invoice_invoice_login|login_login_cannot|login_login_login|printer_invoice_invoice|wrong_login_printer|cannot_invoice_wrong|login_invoice_cannot|login_cannot_wrong|cannot_cannot_login|login_wrong_invoice|login_slow_login|printer_cannot_invoice|login_invoice_printer|cannot_login_cannot|login_cannot_printer|cannot_invoice_printer|printer_login_cannot|login_login_wrong|printer_printer_slow body:text product:A|A|A|A|A|B|B|B first_reply_min:12..595 resolved_h:1.5..89.3 escalated:N|N|N|N|Y|Y|Y|Y queue:tech|billing|sales"},
    "clicks_3": {"ad_log.csv": "impression:id hour:0..23 banner_pos:0..7 site:s1|s1|s1|s1|s2|s2|s2|s2 device:desk|desk|mob|mob|mob|mob|mob|mob user_age:15..70 clicked:0|0|0|0|0|0|0|0|0|0|1|1"},
    "course_3": {"moodle.csv": "learner:id logins:0..99 videos_watched:0..50 forum_posts:0..30 quiz_avg:0..100 certificate:earned|earned|earned|earned|earned|not_earned|not_earned|not_earned weeks_active:1..12"},
    "gas_3": {"pipeline.csv": "day:day site:a|a|a|b|b|b|b|b flow_m3:100..898 pressure_bar:1.1..79.7 leak:0|0|0|0|0|0|0|0|0|0|0|1"},
    "insur_3": {"premiums.csv": "age:18..64 sex:f|f|f|f|m|m|m|m bmi:16.0..44.8 children:0..5 smoker:no|no|no|no|no|no|no|yes region:ne|ne|ne|ne|ne|ne|sw|sw charges:1130.17..49997.09"},
    "library_3": {"loans.csv": "loan_nr:id member:1..90 genre:poetry|crime|history pages:52..897 issued:day days_overdue:0|9|3 lost_flag:0|0|0|0|0|0|0|0|0|0|1|1"},
    "movie_3": {"films.csv": "title:id director:A|A|A|B|B|B|B|B runtime:80..199 budget_musd:1..250 genre:action|comedy|drama critics_score:1..99 gross_musd:3..887 oscar:no|no|no|no|no|no|yes|yes"},
    "ride_3": {"taxi.csv": "ride:id pickup_at:hour pickup_zone:1..60 dropoff_zone:1..60 passengers:1..5 distance_mi:0.53..19.26 trip_sec:61..3998 tip_usd:0.05..14.97 total_usd:4.61..89.74"},
    "steel_3": {"plates.csv": "plate:id x_min:3..100 x_max:100..200 area_px:59..4998 luminosity:0..255 thickness_mm:0.5..3.97 defect_class:scratch|dirt|stain|bump"},
    "stock_3": {"items.csv": "sku:id stock_qty:0..897 lead_time_d:1..60 sales_3m:0..500 forecast_3m:2..500 potential_issue:No|No|No|No|Yes|Yes|Yes|Yes went_on_backorder:No|No|No|No|No|No|No|Yes"},
    "titan_3": {"passengers.csv": "PassengerNo:id Class:3|2|1 Name:id Sex:female|female|female|female|male|male|male|male Age:1..80 SibSp:0..3 Parch:0..3 Fare:6.28..299.75 Deck:C|B|A Lived:0|0|0|0|0|0|1|1|1|1|1|1"},
    "trucking_3": {"deliveries.csv": "trip_no:id driver:C|A|B origin_hub:N1|N1|N1|N1|N2|N2|N2|N2 dest_hub:S1|S1|S1|S1|S1|S2|S2|S2 km_planned:53..891 cargo_t:1.2..23.9 departed:day eta_miss_min:-20..120 fuel_l:10.8..299.1 damaged:no|no|no|no|no|no|yes|yes"},
    "wells_3": {"pumps.csv": "id:id amount_tsh:28..4979 funder:gov|gov|gov|gov|gov|ngo|ngo|ngo gps_height:22..2499 basin:L|L|L|L|P|P|P|P permit:False|False|False|False|False|False|True|True construction_year:1960..2013 quality_group:good|good|good|salty|salty|salty|salty|salty status_group:non_functional|functional|functional_needs_repair"},
    "apps_4": {"play.csv": "App:id Category:GAME|TOOLS|FOOD Rating:1.0..5.0 Reviews:152..99586 Size_MB:1.1..88.6 Installs:10000|1000|5000 Type:Free|Free|Free|Free|Paid|Paid|Paid|Paid Price_USD:0|0|0|0|0|0|0|0|0|0|0.99|0.99 ContentRating:Everyone|Teen|Teen|Teen|Teen|Teen|Teen|Teen"},
    "bridge_4": {"inspections.csv": "bridge_id:id built:1900..2015 span_m:5..393 material:steel|concrete|timber daily_traffic:411..88762 last_rehab:1950..2020 deck_rating:0..9 needs_repair:N|N|N|Y|Y|Y|Y|Y"},
    "cafe_4": {"receipts.csv": "receipt:id weekday:Mon|Sun|Tue temp_outside:-5..35 n_guests:1..9 waiter:X|X|X|X|X|X|Y|Y total_chf:5.47..199.29 tip_chf:0.02..30.0 paid_by:cash|card|twint"},
    "chess_4": {"matches.csv": "game:id white_elo:818..2792 black_elo:805..2785 opening:french|sicilian|sicilian|sicilian|sicilian|sicilian|sicilian|sicilian n_moves:5..120 time_control:10+0|10+0|10+0|5+0|5+0|5+0|5+0|5+0 result:1-0|0-1|1/2"},
    "donor_4": {"givers.csv": "donor_id:id months_since_last:0..70 n_donations:1..50 blood_cc:291..11995 months_since_first:3..98 gave_again:0|0|0|0|0|0|0|0|1|1|1|1"},
    "grid_4": {"substations.csv": "hour_utc:hour station:N|N|N|N|S|S|S|S demand_mw:10.1..89.9 temp_c:-10..15 holiday:0|0|0|0|0|0|0|1|1|1|1|1"},
    "leads_4": {"crm_leads.csv": "lead_id:id source:direct|direct|direct|google|google|google|google|google country:IN|IN|IN|US|US|US|US|US pages_visited:0..30 minutes_on_site:0..90 last_activity:email_opened|email_opened|email_opened|email_opened|email_opened|email_opened|sms|sms lead_quality:low|high|maybe converted:0|0|0|0|0|0|0|0|0|0|0|1"},
    "sat_4": {"employees.csv": "pers_nr:id abteilung:HR|HR|HR|IT|IT|IT|IT|IT gehalt:30149..89789 zufriedenheit:1..10 ueberstunden:0..40 befoerdert:ja|ja|ja|nein|nein|nein|nein|nein ausgetreten:ja|ja|ja|ja|nein|nein|nein|nein"},
    "soil_4": {"fields.csv": "field_no:id crop:wheat|oats|maize|barley n_kg_ha:0..200 p_kg_ha:0..100 k_kg_ha:0..200 rain_mm:200..1200 ph:4.0..9.0 t_per_ha:1.05..11.96"},
    "startup_4": {"funding.csv": "company:id sector:bio|bio|bio|bio|fin|fin|fin|fin founded:1995..2020 team_size:2..300 rounds:1..8 raised_meur:0.46..88.81 exit_type:ipo|acquired|none still_operating:no|no|no|no|no|yes|yes|yes"},
    "vet_4": {"animals.csv": "animal:id species:cat|rabbit|dog breed:b1|b2|b2|b2|b2|b2|b2|b2 age_months:1..180 weight_kg:1.3..59.9 vaccinated:no|no|no|no|no|no|no|yes adopted:0|0|0|0|0|0|1|1|1|1|1|1 days_in_shelter:1..400"},
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
    ('staff_1', 'Which employees are likely to hand in their notice?', 'binary', 'Resigned', 'roc_auc', True),
    ('staff_1', 'Attrition model please. At least 0.8 AUC.', 'binary', 'Resigned', 'roc_auc', True),
    ('staff_1', 'HR wants to know who will quit so that we can talk to them first; it has to be interpretable', 'binary', 'Resigned', 'roc_auc', True),
    ('staff_1', 'estimate the monthly salary of an employee, MAE below 400 euros', 'regression', 'monthlySalaryEUR', 'mae', ...),
    ('staff_1', 'predict the department someone works in', 'multiclass', 'dept', 'log_loss', ...),
    ('staff_1', 'do people work overtime?', 'binary', 'OverTime', 'roc_auc', True),
    ('motor_1', 'predict the number of claims per policy', 'regression', 'ClaimNb', 'rmse', ...),
    ('motor_1', 'I need the expected claim amount for each policy, mean absolute error under 300', 'regression', 'claim_amt', 'mae', ...),
    ('motor_1', 'how old is the driver', 'regression', 'driver_age', 'rmse', ...),
    ('homes_1', 'predict the asking price of a house; RMSE under 50,000', 'regression', 'ask_usd', 'rmse', ...),
    ('homes_1', 'How long will a listing stay on the market?', 'regression', 'days_on_mkt', 'rmse', ...),
    ('homes_1', 'whether a home gets sold', 'binary', 'sold', 'roc_auc', True),
    ('homes_1', 'What is my house worth? I want to be within 15% of the truth. Do not use the zip code.', 'regression', 'ask_usd', 'mape', ...),
    ('homes_1', 'classify the type of heating', 'multiclass', 'heating', 'log_loss', ...),
    ('campaign_1', 'wer schließt ab? predict which customers will sign (column Abschluss)', 'binary', 'Abschluss', 'roc_auc', True),
    ('campaign_1', 'predict Abschluss with F1 above 0.6', 'binary', 'Abschluss', 'f1', True),
    ('campaign_1', 'predict the account balance (Kontostand) of a customer', 'regression', 'Kontostand', 'rmse', ...),
    ('water_1', 'is the water drinkable?', 'binary', 'Potability', 'roc_auc', 1),
    ('water_1', 'Predict potability of a water sample. We need an accuracy of 70 percent', 'binary', 'Potability', 'accuracy', 1),
    ('water_1', 'predict pH', 'regression', 'ph', 'rmse', ...),
    ('clinic_1', 'Predict whether a patient will be readmitted within 30 days', 'binary', 'readm_30d', 'roc_auc', True),
    ('clinic_1', 'hospital length of stay in days, off by no more than 2 days on average', 'regression', 'los_days', 'mae', ...),
    ('clinic_1', 'readmissions - precision recall auc over 0.4, 2 minutes', 'binary', 'readm_30d', 'average_precision', True),
    ('clinic_1', 'find the diagnosis group of an admission', 'multiclass', 'diag_grp', 'log_loss', ...),
    ('plant_1', 'forecast electricity consumption for the next 24 hours', 'forecast', 'kwh', 'rmse', ...),
    ('plant_1', 'predict hourly energy use one week ahead, MAPE under 8%', 'forecast', 'kwh', 'mape', ...),
    ('game_1', 'which players come back after a week?', 'binary', 'retained_d7', 'roc_auc', 1),
    ('game_1', 'Predict churn of players by day 7', 'binary', 'retained_d7', 'roc_auc', 0),
    ('game_1', 'predict retention', 'binary', 'retained_d7', 'roc_auc', 1),
    ('flowers_1', 'classify the species of a flower from its measurements', 'multiclass', 'col_4', 'log_loss', ...),
    ('flowers_1', 'which of the three kinds is it? accuracy > 95%', 'multiclass', 'col_4', 'accuracy', ...),
    ('bank_1', 'predict loan default', 'binary', 'loan_status', 'roc_auc', 'Charged Off'),
    ('bank_1', 'will the borrower pay back in full?', 'binary', 'loan_status', 'roc_auc', 'Fully Paid'),
    ('bank_1', 'who of the applicants will be charged off? balanced accuracy above .65, explainable', 'binary', 'loan_status', 'balanced_accuracy', 'Charged Off'),
    ('bank_1', 'estimate FICO score', 'regression', 'fico', 'rmse', ...),
    ('reviews_1', 'sentiment analysis of hotel reviews', 'binary', 'sentiment', 'roc_auc', 'positive'),
    ('reviews_1', 'detect negative comments', 'binary', 'sentiment', 'roc_auc', 'negative'),
    ('reviews_1', 'how many people will find a review helpful', 'regression', 'helpful_votes', 'rmse', ...),
    ('airline_2', 'Are passengers happy with our airline?', 'binary', 'Satisfaction', 'roc_auc', 'satisfied'),
    ('airline_2', 'predict customer satisfaction', 'binary', 'Satisfaction', 'roc_auc', 'satisfied'),
    ('airline_2', 'I want to predict how many minutes a plane arrives late (MAE < 10)', 'regression', 'ArrDelayMin', 'mae', ...),
    ('airline_2', 'find unhappy flyers before they leave us; recall does not matter, AUC of at least .9 please', 'binary', 'Satisfaction', 'roc_auc', 'neutral or dissatisfied'),
    ('airline_2', 'classify customer type', 'binary', 'CustomerType', 'roc_auc', ...),
    ('cars_2', 'what price can I ask for my used car?', 'regression', 'price_chf', 'rmse', ...),
    ('cars_2', 'Estimate the resale value of vehicles. Error must stay below 1500 francs on average.', 'regression', 'price_chf', 'mae', ...),
    ('cars_2', 'Price prediction, R2 > 0.9, ignore brand', 'regression', 'price_chf', 'r2', ...),
    ('cars_2', 'Given the specs of a car determine which fuel it runs on', 'multiclass', 'fuel_type', 'log_loss', ...),
    ('cars_2', 'predict mileage', 'regression', 'odometer_km', 'rmse', ...),
    ('heart_2', 'does a patient have heart disease?', 'binary', 'hd', 'roc_auc', 1),
    ('heart_2', 'Diagnose heart disease from the clinical measurements (column hd), AUC > 0.85', 'binary', 'hd', 'roc_auc', 1),
    ('heart_2', 'predict cholesterol level', 'regression', 'chol', 'rmse', ...),
    ('heart_2', 'will the patient experience exercise induced angina (exang)?', 'binary', 'exang', 'roc_auc', 1),
    ('shop_2', 'Welche Kunden werden kündigen? predict churn', 'binary', 'gekuendigt', 'roc_auc', True),
    ('shop_2', 'which clients will leave us', 'binary', 'gekuendigt', 'roc_auc', True),
    ('shop_2', 'predict whether an order will be returned (retoure)', 'binary', 'retoure', 'roc_auc', True),
    ('shop_2', 'customers who subscribe to the newsletter', 'binary', 'newsletter', 'roc_auc', True),
    ('solar_2', 'forecast the power output of the solar plant for the next day', 'forecast', 'ac_power_kw', 'rmse', ...),
    ('solar_2', 'hour-ahead prediction of AC power, RMSE below 4 kW', 'forecast', 'ac_power_kw', 'rmse', ...),
    ('solar_2', 'predict module temperature from the weather', 'regression', 'module_temp', 'rmse', ...),
    ('school_2', 'predict the maths score of students', 'regression', 'math', 'rmse', ...),
    ('school_2', 'Which students will score above 70 in reading?', 'binary', '"reading" > 70', 'roc_auc', True),
    ('school_2', 'who completed the preparation course?', 'binary', 'prep_course', 'roc_auc', 'completed'),
    ('school_2', 'estimate writing marks without looking at reading or math, MAE at most 8', 'regression', 'writing', 'mae', ...),
    ('tickets_2', 'route incoming tickets to the right team', 'multiclass', 'queue', 'log_loss', ...),
    ('tickets_2', 'will a ticket be escalated? F1 at least 0.5', 'binary', 'escalated', 'f1', True),
    ('tickets_2', 'time to resolution in hours', 'regression', 'resolved_h', 'rmse', ...),
    ('tickets_2', 'how long until we first reply to a customer', 'regression', 'first_reply_min', 'rmse', ...),
    ('tickets_2', 'which product is a ticket about', 'binary', 'product', 'roc_auc', ...),
    ('bank_2', 'will the client subscribe a term deposit?', 'binary', 'y', 'roc_auc', True),
    ('bank_2', 'predict y', 'binary', 'y', 'roc_auc', True),
    ('bank_2', 'term deposit marketing: who says yes to the offer, ROC AUC over 0.75, budget 90 seconds', 'binary', 'y', 'roc_auc', True),
    ('bank_2', 'which customers have a housing loan', 'binary', 'housing', 'roc_auc', True),
    ('abalone_2', 'predict the number of rings of an abalone (last column)', 'regression', 'col_8', 'rmse', ...),
    ('abalone_2', 'determine sex of the shell, first column', 'multiclass', 'col_0', 'log_loss', ...),
    ('mach_2', 'predict tool breakage on our CNC machines', 'binary', 'tool_broken', 'roc_auc', 1),
    ('mach_2', 'how worn is the tool (micrometers)?', 'regression', 'tool_wear_um', 'rmse', ...),
    ('mach_2', 'remaining tool life - predict wear within 10%', 'regression', 'tool_wear_um', 'mape', ...),
    ('rent_2', 'Predict price per night for an apartment in the city, MAPE under 20 percent', 'regression', 'nightly_usd', 'mape', ...),
    ('rent_2', 'is the host a superhost?', 'binary', 'superhost', 'roc_auc', True),
    ('rent_2', 'what type of room is it', 'binary', 'room_type', 'roc_auc', ...),
    ('rent_2', 'predict reviews per month', 'regression', 'reviews_pm', 'rmse', ...),
    ('trucking_3', 'predict if the freight gets damaged on the way', 'binary', 'damaged', 'roc_auc', True),
    ('trucking_3', 'fuel consumption per trip', 'regression', 'fuel_l', 'rmse', ...),
    ('trucking_3', 'Our dispatchers would like to know which deliveries will be more than 30 minutes late. Must respond in 50 ms.', 'binary', '"eta_miss_min" > 30', 'roc_auc', True),
    ('trucking_3', 'estimate diesel needed for a tour, within 15 percent', 'regression', 'fuel_l', 'mape', ...),
    ('library_3', 'predict whether a book gets lost', 'binary', 'lost_flag', 'roc_auc', 1),
    ('library_3', 'how many days overdue will a loan be', 'regression', 'days_overdue', 'rmse', ...),
    ('library_3', 'guess the genre', 'multiclass', 'genre', 'log_loss', ...),
    ('insur_3', 'predict medical insurance charges for a person', 'regression', 'charges', 'rmse', ...),
    ('insur_3', 'what will a new customer cost us? R2 of 0.8 or better', 'regression', 'charges', 'r2', ...),
    ('insur_3', 'is somebody a smoker?', 'binary', 'smoker', 'roc_auc', True),
    ('insur_3', 'predict bmi from lifestyle', 'regression', 'bmi', 'rmse', ...),
    ('titan_3', 'who survives the shipwreck?', 'binary', 'Lived', 'roc_auc', 1),
    ('titan_3', 'predict survival of passengers - accuracy > 80 %', 'binary', 'Lived', 'accuracy', 1),
    ('titan_3', 'predict the fare a passenger paid', 'regression', 'Fare', 'rmse', ...),
    ('titan_3', 'which passengers died', 'binary', 'Lived', 'roc_auc', 0),
    ('wells_3', 'predict which water pumps are functional, which need some repairs, and which do not work at all', 'multiclass', 'status_group', 'log_loss', ...),
    ('wells_3', 'predict the status of a pump; accuracy at least 75%', 'multiclass', 'status_group', 'accuracy', ...),
    ('wells_3', 'classify water quality', 'binary', 'quality_group', 'roc_auc', ...),
    ('clicks_3', 'click-through prediction, log loss below 0.4', 'binary', 'clicked', 'log_loss', 1),
    ('clicks_3', 'probability that a user clicks on an ad', 'binary', 'clicked', 'roc_auc', 1),
    ('clicks_3', 'how old is the user?', 'regression', 'user_age', 'rmse', ...),
    ('steel_3', 'Identify the type of defect on steel plates', 'multiclass', 'defect_class', 'log_loss', ...),
    ('steel_3', 'which kind of fault does a plate have', 'multiclass', 'defect_class', 'log_loss', ...),
    ('steel_3', 'predict plate thickness with RMSE under 0.2', 'regression', 'thickness_mm', 'rmse', ...),
    ('course_3', 'predict dropout: people that do not earn the certificate', 'binary', 'certificate', 'roc_auc', 'not earned'),
    ('course_3', 'average quiz result of a learner', 'regression', 'quiz_avg', 'rmse', ...),
    ('course_3', 'for how many weeks will someone stay active?', 'regression', 'weeks_active', 'rmse', ...),
    ('ride_3', 'taxi trip duration', 'regression', 'trip_sec', 'rmse', ...),
    ('ride_3', 'How much tip will a driver get? Never use the total.', 'regression', 'tip_usd', 'rmse', ...),
    ('ride_3', 'predict total fare of a ride, error under 2 dollars', 'regression', 'total_usd', 'mae', ...),
    ('ride_3', 'how long does a ride take', 'regression', 'trip_sec', 'rmse', ...),
    ('stock_3', 'predict which products will go on backorder', 'binary', 'went_on_backorder', 'roc_auc', True),
    ('stock_3', 'backorder risk, PR-AUC > 0.3, 1k requests per day', 'binary', 'went_on_backorder', 'average_precision', True),
    ('stock_3', 'lead time of an item in days', 'regression', 'lead_time_d', 'rmse', ...),
    ('gas_3', 'detect leaks in the pipeline', 'binary', 'leak', 'roc_auc', 1),
    ('gas_3', 'is there a leak? recall matters... optimise f1', 'binary', 'leak', 'f1', 1),
    ('gas_3', 'predict pressure', 'regression', 'pressure_bar', 'rmse', ...),
    ('movie_3', 'predict box office revenue of a film', 'regression', 'gross_musd', 'rmse', ...),
    ('movie_3', 'will the movie win an oscar', 'binary', 'oscar', 'roc_auc', True),
    ('movie_3', 'which genre does a film belong to?', 'multiclass', 'genre', 'log_loss', ...),
    ('movie_3', 'predict whether a film earns more than 100 million', 'binary', '"gross_musd" > 100', 'roc_auc', True),
    ('startup_4', 'how much money will a company raise', 'regression', 'raised_meur', 'rmse', ...),
    ('startup_4', 'what kind of exit will it be (IPO, acquisition, none)', 'multiclass', 'exit_type', 'log_loss', ...),
    ('startup_4', 'I need to forecast headcount for each firm', 'regression', 'team_size', 'rmse', ...),
    ('cafe_4', 'predict the tip', 'regression', 'tip_chf', 'rmse', ...),
    ('cafe_4', 'how do guests pay?', 'multiclass', 'paid_by', 'log_loss', ...),
    ('cafe_4', 'estimate the bill total from party size, day and weather. RMSE < 20', 'regression', 'total_chf', 'rmse', ...),
    ('cafe_4', 'number of guests per receipt', 'regression', 'n_guests', 'rmse', ...),
    ('bridge_4', 'which bridges need repairing', 'binary', 'needs_repair', 'roc_auc', True),
    ('bridge_4', 'traffic per day over a bridge, MAPE of at most 25%', 'regression', 'daily_traffic', 'mape', ...),
    ('bridge_4', 'from what material is a bridge made?', 'multiclass', 'material', 'log_loss', ...),
    ('vet_4', 'will an animal be adopted? We need at least 75% accuracy', 'binary', 'adopted', 'accuracy', 1),
    ('vet_4', 'how many days does a pet spend in the shelter', 'regression', 'days_in_shelter', 'rmse', ...),
    ('vet_4', 'Tell cats, dogs and rabbits apart', 'multiclass', 'species', 'log_loss', ...),
    ('vet_4', 'weight of an animal', 'regression', 'weight_kg', 'rmse', ...),
    ('vet_4', 'which animals are not vaccinated', 'binary', 'vaccinated', 'roc_auc', False),
    ('grid_4', 'Forecast electricity demand per substation for the next 48 hours', 'forecast', 'demand_mw', 'rmse', ...),
    ('grid_4', 'load forecasting, hourly, MAPE below 5%', 'forecast', 'demand_mw', 'mape', ...),
    ('grid_4', 'predict the demand in MW tomorrow', 'forecast', 'demand_mw', 'rmse', ...),
    ('apps_4', 'predict the rating of an app from its metadata, MAE < 0.5', 'regression', 'Rating', 'mae', ...),
    ('apps_4', 'is an app free or paid?', 'binary', 'Type', 'roc_auc', ...),
    ('apps_4', 'how many reviews will an app get', 'regression', 'Reviews', 'rmse', ...),
    ('apps_4', 'predict app category', 'multiclass', 'Category', 'log_loss', ...),
    ('donor_4', 'will a donor give blood again?', 'binary', 'gave_again', 'roc_auc', 1),
    ('donor_4', 'predict repeat donations with auc of 0.75 or more', 'binary', 'gave_again', 'roc_auc', 1),
    ('chess_4', 'predict the outcome of a match; log loss under 0.9', 'multiclass', 'result', 'log_loss', ...),
    ('chess_4', 'how long is a game in moves?', 'regression', 'n_moves', 'rmse', ...),
    ('chess_4', 'estimate the rating of the white player', 'regression', 'white_elo', 'rmse', ...),
    ('leads_4', 'lead scoring: which leads convert?', 'binary', 'converted', 'roc_auc', 1),
    ('leads_4', 'predict conversion, budget 3 minutes, explainable', 'binary', 'converted', 'roc_auc', 1),
    ('leads_4', 'sort leads by quality', 'multiclass', 'lead_quality', 'log_loss', ...),
    ('leads_4', 'how long do visitors stay on the website?', 'regression', 'minutes_on_site', 'rmse', ...),
    ('soil_4', 'what crop should be grown on a field?', 'multiclass', 'crop', 'log_loss', ...),
    ('soil_4', 'crop recommendation', 'multiclass', 'crop', 'log_loss', ...),
    ('soil_4', 'predict yield in tonnes per hectare; R2 over 0.6', 'regression', 't_per_ha', 'r2', ...),
    ('soil_4', 'recommend the best crop for given soil and weather, accuracy 90%', 'multiclass', 'crop', 'accuracy', ...),
    ('sat_4', 'welche Mitarbeiter gehen? predict who leaves the company', 'binary', 'ausgetreten', 'roc_auc', True),
    ('sat_4', 'predict salary', 'regression', 'gehalt', 'rmse', ...),
    ('sat_4', 'predict employee satisfaction, MAE under 1.5', 'regression', 'zufriedenheit', 'mae', ...),
    ('sat_4', 'who gets promoted', 'binary', 'befoerdert', 'roc_auc', True),
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
    ("staff_1", "predict tomorrow's lottery numbers"),
    ("motor_1", "forecast oil prices"),
    ("reviews_1", "predict which patients have cancer"),
    ("water_1", "hey there"),
    ("bank_1", "build the best model you can"),
    ("plant_1", "predict which customers will churn"),
    ("cars_2", "predict the winner of the next election"),
    ("heart_2", "forecast next quarter sales"),
    ("school_2", "please do machine learning on my data"),
    ("tickets_2", "which employees will resign"),
    ("rent_2", "predict superhost with RMSE below 3"),
    ("bank_2", "predict the temperature tomorrow"),
    ("solar_2", "who will default on a loan"),
    ("trucking_3", "predict sepsis in ICU patients"),
    ("library_3", "what is your name"),
    ("insur_3", "forecast energy prices"),
    ("steel_3", "who will win the match"),
    ("course_3", "predict house prices"),
    ("gas_3", "make money with AI"),
    ("movie_3", "which customers churn"),
    ("ride_3", "predict tip with AUC over 0.9"),
    ("startup_4", "detect spam mails"),
    ("cafe_4", "predict earthquake magnitude"),
    ("bridge_4", "hello, can you help me?"),
    ("vet_4", "how will the stock market develop"),
    ("chess_4", "which patients need surgery"),
    ("leads_4", "what is the weather tomorrow in Paris"),
    ("soil_4", "predict which loans default"),
    ("apps_4", "predict the number of goals in a football match"),
    ("donor_4", "predict whether it rains"),
    ("sat_4", "forecast demand for electricity"),
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

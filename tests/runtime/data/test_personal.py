from __future__ import annotations

import pytest
from automl_runtime.data.personal import detect, luhn, mask

PEOPLE = ["Jane Doe", "Tom Weber", "Maria Rossi", "Ali Khan", "Anna Kowalska", "Peter Lang", "Laura Diaz", "Jan Novak"]
MAILS = [f"{name.split()[0].lower()}@mail{index}.example.org" for index, name in enumerate(PEOPLE)]
PHONES = ["+49 170 5550123", "+1 (555) 010-9999", "+33 1 70 18 99 00", "+44 20 7946 0958", "+39 06 555 0101"]
CARDS = ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "6011000000000004", "4012888888881881"]
STREETS = ["12 Oak Street", "7 Elm Ave", "Hauptstraße 5", "3 rue Cler", "44 Long Road"]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("x", MAILS, "email"),
        ("phone", ["555 010 9999", "5550109998", "(555) 0109997"], "phone"),
        ("x", PHONES, "phone"),
        ("x", CARDS, "card"),
        ("card", CARDS[:2], "card"),
        ("x", CARDS[:2], None),
        ("full name", PEOPLE, "name"),
        ("surname", ["Doe", "Weber", "Rossi"], "name"),
        ("first_name", ["jane", "tom", "maria"], "name"),
        ("customer", PEOPLE, "name"),
        ("patient name", PEOPLE, "name"),
        ("name", PEOPLE, "name"),
        ("name", ["Doe, Jane", "Weber, Tom", "Dr. Maria Rossi"], "name"),
        ("x", [*PEOPLE, "Karl May", "Eva Horn"], "name"),
        ("name", ["Big Lake Field", "North Port", "Blue Hills"], None),
        ("product name", ["Soap", "Oil", "Rice"], None),
        ("customer", ["gold", "silver", "bronze"], None),
        ("mobile phone", ["yes", "no"], None),
        ("mobile minutes", ["20", "300", "150"], None),
        ("address", STREETS, "address"),
        ("x", STREETS, "address"),
        ("addresses", ["1", "2", "3"], None),
        ("ip address", ["10.0.0.1", "10.0.0.2"], None),
        ("email", ["yes", "no"], None),
        ("x", [], None),
    ],
)
def test_personal_data_show_in_values_and_names(name, values, kind):
    assert detect(name, "text", values) == kind


def test_numbers_are_telephones_by_name_only():
    assert detect("phone", "integer", ["5550109999", "5550109998"]) == "phone"
    assert detect("x", "integer", ["5550109999", "5550109998"]) is None
    assert detect("email", "date", MAILS) is None


@pytest.mark.parametrize(
    ("value", "kind", "masked"),
    [
        ("jane.doe@mail.example.org", "email", "j***@***.org"),
        ("no mail", "email", "n***"),
        ("+49 170 5550123", "phone", "*** 123"),
        ("12", "phone", "***"),
        ("4111 1111 1111 1111", "card", "*** 1111"),
        ("Jane Doe", "name", "J*** D***"),
        ("", "name", "***"),
        ("12 Oak Street", "address", "***"),
    ],
)
def test_masks_hide_and_repeat(value, kind, masked):
    assert mask(value, kind) == mask(value, kind) == masked


def test_luhn():
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert not luhn("")

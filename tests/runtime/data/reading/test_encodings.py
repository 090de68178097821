from __future__ import annotations

import pytest
from automl_runtime.data.reading.encodings import decode, is_text

TEXTS = {
    "french": "Région;Métropole;Périphérie;élève;Noël;garçon;où;Ça\n",
    "german": "Straße;München;Größe;Übung;Köln\n",
    "nordic": "Ålesund;Ærø;Tromsø;Malmö;Åse\n",
    "spanish": "Año;niño;¿Qué?;corazón\n",
    "signs": "temp °C;5 µm;10 m²;½\n",
    "euro": "price € 5;“quoted” text – it’s;café\n",
    "russian": "Москва;Санкт-Петербург;улица;ОТЧЁТ\n",
    "polish": "Łódź;Kraków;Gdańsk;źdźbło;Poznań\n",
    "turkish": "İstanbul;Şişli;Üsküdar;ağaç;ışık\n",
    "greek": "Αθήνα;Θεσσαλονίκη;Ελλάδα\n",
    "japanese": "東京;大阪;これはテストです;名前\n",
    "chinese": "北京;上海;中文测试;名称\n",
    "korean": "서울;부산;한국어\n",
}
CODECS = [
    *(("french", codec) for codec in ("utf-8", "latin-1", "cp1252", "mac_roman", "cp850", "utf-16", "utf-16-le")),
    *(("german", codec) for codec in ("latin-1", "mac_roman", "cp850", "utf-16-be")),
    *(("russian", codec) for codec in ("utf-8", "cp1251", "koi8_r", "cp866", "utf-16-le", "utf-16-be")),
    *[("nordic", "latin-1"), ("spanish", "latin-1"), ("signs", "latin-1"), ("euro", "cp1252"), ("polish", "cp1250")],
    *[("turkish", "cp1254"), ("greek", "cp1253"), ("japanese", "shift_jis"), ("japanese", "utf-16-le")],
    *[
        ("chinese", "gb18030"),
        ("chinese", "utf-8"),
        ("korean", "euc_kr"),
        ("french", "utf-32"),
        ("korean", "utf-8-sig"),
    ],
]


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize(("language", "codec"), CODECS)
def test_text_comes_back(language: str, codec: str, count: int) -> None:
    text = "id;x\n" + TEXTS[language] * count
    decoded = decode(text.encode(codec))
    assert decoded.text == text
    assert decoded.warnings == ()


def test_a_western_file_without_windows_signs_is_latin_1() -> None:
    assert decode(TEXTS["french"].encode("cp1252")).encoding == "latin-1"


def test_broken_bytes_in_utf_8_are_kept_and_told() -> None:
    decoded = decode("é,ü\n".encode() * 50 + b"caf\xe9\n")
    assert decoded.text.endswith("café\n")
    assert decoded.warnings == ("bytes that are not utf-8 were read as cp1252 (line 51)",)


def test_a_character_cut_off_at_the_end_does_not_change_the_rest() -> None:
    decoded = decode("é,ü\n".encode() * 50 + b"\xc3")
    assert decoded.encoding == "utf-8"
    assert decoded.text.startswith("é,ü\n")


def test_every_undecodable_byte_is_kept() -> None:
    decoded = decode(bytes(range(128, 256)) * 3)
    assert len(decoded.text) >= 128
    assert "\ufffd" not in decoded.text


def test_nul_characters_are_left_out_and_told() -> None:
    decoded = decode(b"a,b\0\n1,2\n")
    assert decoded.text == "a,b\n1,2\n"
    assert decoded.warnings == ("1 NUL characters were left out",)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"a;b\n\x1f1", True),
        (b"1\x01a\x012\n2\x01b\x013\n" * 9, True),
        (b"\x00\x01\x02\x03" * 9, False),
        ("ü".encode("utf-16"), True),
    ],
)
def test_is_text(head: bytes, expected: bool) -> None:
    assert is_text(head) is expected

"""Who may ask: keys, tokens, scopes and rates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from automl_runtime.errors import DataError, RequestError
from automl_runtime.serving.app import create_app
from automl_runtime.serving.guard import Guard, check_exposure
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from automl_runtime.serving.keys import add_key, read_keys, revoke_key, verify_key
from automl_runtime.serving.rates import SharedBuckets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import make_bundle
from tests.runtime.serving.test_live import ROW, Source

SECRET = "a secret of more than thirty-two letters"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def clients() -> Iterator[list[TestClient]]:
    made: list[TestClient] = []
    yield made
    for client in made:
        client.__exit__(None, None, None)


def service(clients: list[TestClient], guard: Guard) -> TestClient:
    client = TestClient(create_app(make_bundle(), guard=guard), raise_server_exceptions=False)
    client.__enter__()
    clients.append(client)
    return client


def ask(client: TestClient, **headers: str) -> Any:
    return client.post("/predict", json=ROW, headers={name.replace("_", "-"): value for name, value in headers.items()})


def token(key: Any = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {"sub": "ann", "exp": time.time() + 60, "scope": "predict"} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


def test_a_key_opens_the_service_and_nothing_else_does(keys: Path, clients: list[TestClient]) -> None:
    _, secret = add_key(keys, "shop")
    client = service(clients, Guard(keys))
    assert ask(client, X_API_Key=secret).status_code == 200
    assert ask(client, Authorization=f"Bearer {secret}").status_code == 200
    for headers in ({}, {"X_API_Key": secret[:-1] + "x"}, {"X_API_Key": "aml_zz_yy"}, {"Authorization": "Basic abc"}):
        denied = ask(client, **headers)
        assert denied.status_code == 401
        assert denied.headers["WWW-Authenticate"] == "Bearer"
        assert set(denied.json()["detail"][0]) == {"row", "column", "value", "allowed", "message"}
    for path in ("/model", "/metrics", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"X-API-Key": secret}).status_code == 200
    assert client.get("/health").status_code == 200
    assert secret not in client.get("/metrics", headers={"X-API-Key": secret}).text


def test_keys_are_kept_as_hashes_for_their_owner_alone(keys: Path) -> None:
    made, secret = add_key(keys, "shop", scopes=["predict", "manage"], per_minute=10)
    assert secret not in keys.read_text()
    assert secret.split("_", 2)[2] not in keys.read_text()
    assert keys.stat().st_mode & 0o077 == 0
    assert read_keys(keys) == [made]
    assert verify_key(secret, {made.id: made}) == made


def test_a_revoked_key_is_shut_out_and_the_last_one_does_not_open_the_door(
    keys: Path, clients: list[TestClient]
) -> None:
    _, secret = add_key(keys, "shop")
    client = service(clients, Guard(keys))
    assert ask(client, X_API_Key=secret).status_code == 200
    revoke_key(keys, "shop")
    time.sleep(0.6)
    assert ask(client, X_API_Key=secret).status_code == 401
    assert ask(client).status_code == 401


def test_a_service_without_keys_closes_when_the_first_is_made(keys: Path, clients: list[TestClient]) -> None:
    client = service(clients, Guard(keys))
    assert ask(client).status_code == 200
    add_key(keys, "shop")
    time.sleep(0.6)
    assert ask(client).status_code == 401


def test_broken_keys_open_nothing(keys: Path, clients: list[TestClient]) -> None:
    keys.write_text("{}")
    with pytest.raises(DataError, match="does not hold API keys"):
        Guard(keys)
    keys.unlink()
    _, secret = add_key(keys, "shop")
    client = service(clients, Guard(keys))
    keys.write_text("half a fi")
    time.sleep(0.6)
    assert ask(client).status_code == 401
    assert ask(client, X_API_Key=secret).status_code == 200


def test_two_keys_are_told_apart(keys: Path, clients: list[TestClient]) -> None:
    _, one = add_key(keys, "one", per_minute=2)
    _, other = add_key(keys, "other")
    client = service(clients, Guard(keys))
    assert [ask(client, X_API_Key=one).status_code for _ in range(3)] == [200, 200, 429]
    assert [ask(client, X_API_Key=other).status_code for _ in range(5)] == [200] * 5
    limited = ask(client, X_API_Key=one)
    assert 1 <= int(limited.headers["Retry-After"]) <= 30
    revoke_key(keys, "one")
    time.sleep(0.6)
    assert ask(client, X_API_Key=other).status_code == 200


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("", {}, "needs a name"),
        ("shop", {}, "There is a key called 'shop'"),
        ("new", {"scopes": ["admin"]}, "scopes: predict, manage"),
        ("new", {"scopes": []}, "no scope"),
        ("new", {"per_minute": 0}, "too few"),
    ],
)
def test_bad_keys_are_not_made(keys: Path, name: str, options: Any, says: str) -> None:
    add_key(keys, "shop")
    with pytest.raises(RequestError, match=says):
        add_key(keys, name, **options)
    with pytest.raises(RequestError, match="keys: 'shop'"):
        revoke_key(keys, "shed")


def test_tokens_are_taken_with_their_scopes_until_they_expire(clients: list[TestClient]) -> None:
    client = service(clients, Guard(token_key=SECRET))
    good = token(exp=time.time() + 2)
    assert ask(client, Authorization=f"Bearer {good}").status_code == 200
    assert ask(client, Authorization=f"Bearer {token(scope='other')}").status_code == 403
    time.sleep(2.1)
    assert ask(client, Authorization=f"Bearer {good}").status_code == 401


@pytest.mark.parametrize(
    "bad",
    [
        {"key": "another secret of more than thirty-two letters"},
        {"exp": time.time() - 5},
        {"exp": None},
        {"sub": None},
        {"algorithm": "none", "key": None},
    ],
)
def test_bad_tokens_are_refused(clients: list[TestClient], bad: dict[str, Any]) -> None:
    client = service(clients, Guard(token_key=SECRET))
    assert ask(client, Authorization=f"Bearer {token(**bad)}").status_code == 401


def test_tokens_signed_with_a_private_key_are_verified_with_the_public_one(clients: list[TestClient]) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    client = service(clients, Guard(token_key=public))
    assert ask(client, Authorization=f"Bearer {token(private, 'EdDSA')}").status_code == 200
    # The public key is no secret: what is signed with it as one is worth nothing.
    with pytest.raises(jwt.InvalidKeyError):
        token(public, "HS256")


def test_loading_and_unloading_needs_another_scope(keys: Path, clients: list[TestClient]) -> None:
    _, asks = add_key(keys, "asks")
    _, manages = add_key(keys, "manages", scopes=["manage"])
    host = ModelHost({"a": Source(make_bundle())})
    client = TestClient(create_host_app(host, Guard(keys)), raise_server_exceptions=False)
    client.__enter__()
    clients.append(client)
    assert client.post("/models/a/load", headers={"X-API-Key": asks}).status_code == 403
    assert client.post("/models/a/load", headers={"X-API-Key": manages}).status_code == 200
    assert client.post("/models/a/predict", json=ROW, headers={"X-API-Key": manages}).status_code == 403
    assert client.post("/models/a/predict", json=ROW, headers={"X-API-Key": asks}).status_code == 200


def test_everybody_has_a_limit_where_one_is_set(clients: list[TestClient]) -> None:
    client = service(clients, Guard(per_minute=3))
    assert [ask(client).status_code for _ in range(5)] == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::", "example.org"])
def test_no_service_is_open_to_others_by_mistake(keys: Path, host: str) -> None:
    with pytest.raises(RequestError, match="nobody has to say who they are"):
        check_exposure(Guard(keys), host, anonymous=False)
    check_exposure(Guard(keys), host, anonymous=True)
    check_exposure(Guard(token_key=SECRET), host, anonymous=False)
    for local in ("127.0.0.1", "::1", "localhost"):
        check_exposure(Guard(keys), local, anonymous=False)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(RequestError, match="fewer than 32"):
        Guard(token_key="short")


def test_buckets_fill_evenly() -> None:
    now = [100.0]
    buckets = SharedBuckets(clock=lambda: now[0])
    assert [buckets.take("a", 60) for _ in range(60)] == [0.0] * 60
    assert buckets.take("a", 60) == pytest.approx(1.0)
    assert buckets.take("b", 60) == 0.0
    now[0] += 0.5
    assert buckets.take("a", 60) == pytest.approx(0.5)
    now[0] += 0.5
    assert buckets.take("a", 60) == 0.0


@pytest.mark.skipif(sys.platform == "win32", reason="workers are for other systems")
def test_processes_share_a_limit(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom automl_runtime.serving.rates import SharedBuckets\n"
        "buckets = SharedBuckets(sys.argv[1], clock=lambda: 5.0)\n"
        "print(sum(buckets.take('a', 100) == 0.0 for _ in range(60)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "rates")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) for _ in range(4)]
    taken = [json.loads(child.communicate(timeout=60)[0]) for child in children]
    assert sum(taken) == 100

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from automl_runtime.errors import BundleError
from automl_runtime.registry.signing import key_path, private_key, public_hex, sign, trust, trusted_keys, verify
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def test_the_key_is_made_once_for_its_owner_only(own_key: Path) -> None:
    first = private_key()
    assert stat.S_IMODE(own_key.stat().st_mode) == 0o600
    assert public_hex(private_key()) == public_hex(first)
    assert [path.name for path in own_key.parent.iterdir()] == ["signing.key"]


def test_processes_that_start_together_get_the_same_key(own_key: Path) -> None:
    code = "from automl_runtime.registry.signing import *; print(public_hex(private_key()))"
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({child.communicate()[0] for child in children}) == 1
    assert all(child.returncode == 0 for child in children)


def test_the_key_lies_in_the_home_folder_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert key_path({}) == tmp_path / ".config" / "automl" / "signing.key"
    assert key_path({"AUTOML_SIGNING_KEY": "~/mine"}) == tmp_path / "mine"


def test_a_signature_holds_for_one_message_and_one_key(own_key: Path) -> None:
    key = private_key()
    value = sign(key, b"message")
    assert verify(public_hex(key), value, b"message")
    assert not verify(public_hex(key), value, b"massage")
    assert not verify("00" * 32, value, b"message")
    assert not verify("not hexadecimal", value, b"message")


def other_kind() -> bytes:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("content", [b"", b"secret", other_kind()])
def test_a_file_that_is_no_key_is_refused(own_key: Path, content: bytes) -> None:
    own_key.parent.mkdir()
    own_key.write_bytes(content)
    with pytest.raises(BundleError, match="holds no Ed25519 private key"):
        private_key()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOML_SIGNING_KEY", str(tmp_path / "file" / "signing.key"))
    with pytest.raises(BundleError, match=r"cannot be read or made.*\n.*AUTOML_SIGNING_KEY"):
        private_key()
    assert trusted_keys(None) == frozenset()


def test_trusted_keys_are_those_listed_and_our_own(own_key: Path, tmp_path: Path) -> None:
    listed = tmp_path / "trusted_keys"
    assert trusted_keys(listed) == frozenset()
    listed.write_text(f"# people we know\n{'ab' * 32}  # Ada\n\n{'CD' * 32}")
    trust(listed, "ef" * 32)
    trust(listed, "ef" * 32)
    assert trusted_keys(listed) == {"ab" * 32, "cd" * 32, "ef" * 32}
    assert listed.read_text().count("ef" * 32) == 1
    assert trusted_keys(None) == frozenset()
    assert public_hex(private_key()) in trusted_keys(listed)


def test_a_broken_line_is_named(tmp_path: Path, own_key: Path) -> None:
    (tmp_path / "trusted_keys").write_text("ab" * 32 + "\nrubbish\n")
    with pytest.raises(BundleError, match="line 2: 'rubbish'"):
        trusted_keys(tmp_path / "trusted_keys")


def test_no_home_folder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(BundleError, match="no home folder"):
        key_path({})

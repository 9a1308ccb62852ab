"""Keys in files: what is taken, what is refused, and that no secret is ever said."""

from pathlib import Path

import pytest

from common.errors import UsageError
from common.keys import new_pair, read_keys


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    own, other = new_pair(), new_pair()
    (tmp_path / "relay.key").write_bytes(own.secret + b"\n")
    (tmp_path / "relay.key").chmod(0o600)
    (tmp_path / "matcher.pub").write_bytes(other.public)
    return tmp_path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_an_owner_and_a_group_may_read_a_secret_key(directory: Path, mode: int) -> None:
    """A Secret's volume with fsGroup is readable by the group."""
    (directory / "relay.key").chmod(mode)
    assert set(read_keys(directory, "relay", others=["matcher"]).others) == {"matcher"}


def test_a_secret_key_that_everybody_can_read_is_refused(directory: Path) -> None:
    (directory / "relay.key").chmod(0o644)
    with pytest.raises(UsageError, match=r"relay\.key \(mode 0644\); chmod 0600 it, or .* defaultMode 0440"):
        read_keys(directory, "relay", others=["matcher"])


@pytest.mark.parametrize("name", ["relay.key", "matcher.pub"])
def test_a_file_that_is_missing_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(UsageError, match=f"--keys: cannot read .*{name}: No such file"):
        read_keys(directory, "relay", others=["matcher"])


@pytest.mark.parametrize("name", ["relay.key", "matcher.pub"])
@pytest.mark.parametrize("content", [b"", b"x" * 39, b"x" * 41, b"~" * 40, b"#" * 40, b"\xff" * 40, b"x" * 100_000])
def test_what_is_no_key_is_refused_and_not_repeated(directory: Path, name: str, content: bytes) -> None:
    (directory / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{name} holds no key") as refusal:
        read_keys(directory, "relay", others=["matcher"])
    assert "xxxx" not in str(refusal.value)


def test_a_secret_is_in_no_representation(directory: Path) -> None:
    keys = read_keys(directory, "relay", others=["matcher"])
    assert keys.own.secret.decode() not in repr(keys)

"""What a relay can be told."""

from pathlib import Path
from typing import Any

import pytest

from common.address import Address
from common.errors import UsageError
from relay.cli import command, intake_of, settings_of
from relay.settings import Settings, parse_intake, parse_labels


def told(**options: Any) -> Settings:
    defaults = {
        "run_dir": Path("run"),
        "admin": "off",
        "listen": "ipc",
        "keys_dir": None,
        "intake": "127.0.0.1:8000",
        "labels": (),
        "hostname": None,
        "intake_tls": False,
        "intake_ca": None,
        "intake_cert": None,
        "intake_key": None,
        "intake_server_name": None,
    }
    return settings_of(**(defaults | options))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("reducer:9000", Address("reducer", 9000)),
        ("reducer", Address("reducer", 8000)),
        ("10.0.0.1", Address("10.0.0.1", 8000)),
        ("[::1]:9000", Address("::1", 9000)),
        ("[::1]", Address("::1", 8000)),
    ],
)
def test_an_intake_is_a_host_with_or_without_a_port(text: str, address: Address) -> None:
    assert parse_intake(text, option="--intake") == address


@pytest.mark.parametrize(
    "text", ["", ":8000", "reducer:", "reducer:0", "reducer:65536", "reducer:http", "reducer:-1", "::1", "fd00::1:8000"]
)
def test_a_wrong_intake_is_the_users_mistake(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--intake: "):
        parse_intake(text, option="--intake")


def test_labels_keep_their_order_and_may_have_empty_values_and_equals_signs() -> None:
    assert parse_labels(["b=1", "a=x=y", "c="], option="--label") == (("b", "1"), ("a", "x=y"), ("c", ""))


@pytest.mark.parametrize("texts", [["novalue"], ["=x"], [""], ["a=1", "a=2"], ["k=" + "v" * 65_529]])
def test_a_wrong_label_is_the_users_mistake(texts: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^--label: "):
        parse_labels(texts, option="--label")


@pytest.mark.parametrize(
    ("environ", "intake"),
    [
        ({}, None),
        ({"EBPF_NET_INTAKE_HOST": "reducer", "EBPF_NET_INTAKE_PORT": "7000"}, "reducer:7000"),
        ({"EBPF_NET_INTAKE_HOST": "reducer"}, "reducer:8000"),
        ({"EBPF_NET_INTAKE_PORT": "7000"}, "127.0.0.1:7000"),
        ({"EBPF_NET_INTAKE_HOST": "::1"}, "[::1]:8000"),
        ({"EBPF_NET_INTAKE_HOST": "[::1]"}, "[::1]:8000"),
        ({"EBPF_NET_INTAKE_HOST": "", "EBPF_NET_INTAKE_PORT": ""}, None),
        ({"EBPF_NET_INTAKE_HOST": "other", "PODWIRE_INTAKE": "mine:2"}, "mine:2"),
    ],
)
def test_without_the_option_the_other_collectors_variables_count(environ: dict[str, str], intake: str | None) -> None:
    assert intake_of(environ) == intake


def test_the_option_goes_before_the_other_collectors_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBPF_NET_INTAKE_HOST", "other")
    assert command.make_context("relay", ["--intake", "mine:2"]).params["intake"] == "mine:2"
    assert command.make_context("relay", []).params["intake"] == "other:8000"


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EBPF_NET_INTAKE_PORT", "many")
    with pytest.raises(UsageError, match=r"^EBPF_NET_INTAKE_PORT: --intake: .*many"):
        command.main(["--run-dir", str(tmp_path)], standalone_mode=False)


def test_the_hostname_is_the_machines_unless_given() -> None:
    assert told(hostname="me").hostname == "me"
    assert told().hostname


def test_the_name_to_verify_is_the_intake_s_unless_another_is_given() -> None:
    told_tls = told(intake="reducer:8000", intake_tls=True).tls
    assert told_tls is not None
    assert (told_tls.server_name, told_tls.ca, told_tls.cert) == ("reducer", None, None)
    rooted = told(intake="reducer.example.:8000", intake_tls=True).tls
    assert rooted is not None
    assert rooted.server_name == "reducer.example", "no certificate has the dot that ends a search"
    other = told(intake_tls=True, intake_server_name="other").tls
    assert other is not None
    assert other.server_name == "other"


@pytest.mark.parametrize(
    "options",
    [{"intake_ca": Path("ca")}, {"intake_server_name": "x"}, {"intake_cert": Path("c"), "intake_key": Path("k")}],
)
def test_what_tls_would_need_without_tls_is_a_mistake(options: dict[str, Any]) -> None:
    """Whoever gives a CA means to be protected."""
    with pytest.raises(UsageError, match="--intake-tls is not given"):
        told(**options)


@pytest.mark.parametrize("options", [{"intake_cert": Path("c")}, {"intake_key": Path("k")}])
def test_a_client_certificate_without_its_key_is_a_mistake(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--intake-cert and --intake-key belong together"):
        told(intake_tls=True, **options)

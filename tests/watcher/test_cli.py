"""The watcher's options, as settings."""

import pytest
from click.testing import CliRunner

from common.errors import UsageError
from watcher.cli import command, settings_of

OPTIONS = {
    "kind": "pods",
    "run_dir": "/run/podwire",
    "admin": "off",
    "listen": "ipc",
    "keys_dir": None,
    "kubeconfig": None,
    "context": None,
    "namespaces": (),
    "label_selector": None,
    "field_selector": None,
    "encoding": "protobuf",
    "streaming_lists": "auto",
    "watch_silence_seconds": 150.0,
    "record_updates": None,
    "record_updates_most_mib": 1,
    "anonymize": False,
}


def test_a_namespace_given_twice_is_watched_once():
    assert settings_of(**OPTIONS | {"namespaces": ("b", "a", "b")}).namespaces == ("b", "a")


@pytest.mark.parametrize("name", ["", "Shop", "a b", "a/../b", "a\n", "-a", "a-", "a" * 64, "a?x=y"])
def test_what_cannot_be_a_namespace_is_refused(name):
    with pytest.raises(UsageError, match="--namespace"):
        settings_of(**OPTIONS | {"namespaces": (name,)})


@pytest.mark.parametrize(
    "arguments",
    [
        ["nodes"],
        [],
        ["pods", "--encoding", "xml"],
        ["pods", "--watch-silence", "0"],
        ["pods", "--streaming-lists", "often"],
    ],
)
def test_a_wrong_value_ends_with_code_2_and_says_which(arguments):
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert "Error: " in result.output


def test_every_option_shows_its_variable():
    text = CliRunner().invoke(command, ["--help"], terminal_width=200).output
    for name in (
        "KUBECONFIG",
        "CONTEXT",
        "NAMESPACE",
        "LABEL_SELECTOR",
        "ENCODING",
        "STREAMING_LISTS",
        "WATCH_SILENCE",
    ):
        assert f"PODWIRE_{name}" in text

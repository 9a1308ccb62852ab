"""The sandbox's command line and its kubeconfig."""

import asyncio
import socket
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from common.errors import UsageError
from sandbox.cli import command
from sandbox.cluster import Cluster, ClusterSettings
from sandbox.kubeconfig import write_kubeconfig


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:99999", ":1"])
def test_a_place_to_listen_that_makes_no_sense_is_the_users_mistake(tmp_path: Path, listen: str) -> None:
    """If --listen is no HOST:PORT, then that is said, and nothing is written."""
    kubeconfig = tmp_path / "kubeconfig"

    result = CliRunner().invoke(command, ["cluster", "--listen", listen, "--kubeconfig", str(kubeconfig)])

    assert isinstance(result.exception, UsageError)
    assert listen in str(result.exception)
    assert not kubeconfig.exists()


def test_a_port_that_is_taken_is_the_users_mistake(tmp_path: Path) -> None:
    """If somebody else listens there, then the error names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cluster = Cluster(ClusterSettings(kubeconfig=tmp_path / "kubeconfig", port=port, pods=0))

        with pytest.raises(UsageError, match=str(port)):
            asyncio.run(cluster.start())


def test_what_an_earlier_life_of_the_cluster_gave_out_is_too_old_for_the_next(tmp_path: Path) -> None:
    """If a cluster is started again, then a watch from a version of its former life is told to list anew, whatever the resource."""

    async def lived() -> tuple[int, list[int]]:
        cluster = Cluster(ClusterSettings(kubeconfig=tmp_path / "kubeconfig", pods=3, rate=0))
        await cluster.start()
        await cluster.stop()
        store = cluster._store
        return store.version, [store.table(resource).floor for resource in store.resources()]

    last, _ = asyncio.run(lived())
    _, floors = asyncio.run(lived())

    assert min(floors) > last


def test_no_environment_variable_names_the_file_that_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If variables name a real kubeconfig, then the sandbox does not take it for the file to write."""
    real = tmp_path / "real"
    for name in ("KUBECONFIG", "PODWIRE_KUBECONFIG"):
        monkeypatch.setenv(name, str(real))

    result = CliRunner().invoke(command, ["cluster"])

    assert result.exit_code == 2
    assert "--kubeconfig" in result.output
    assert not real.exists()


def test_the_group_names_its_commands_without_loading_them() -> None:
    """If help is asked for, then the commands are there."""
    assert {"cluster", "reducer"} <= set(
        command.list_commands(command.make_context("sandbox", [], resilient_parsing=True))
    )


def test_a_kubeconfig_is_private_and_replaced_as_a_whole(tmp_path: Path) -> None:
    """If a kubeconfig is written over another one, then who has the old one open still reads it whole, and nobody else can read it."""
    path = tmp_path / "deep" / "kubeconfig"
    write_kubeconfig(path, server="http://127.0.0.1:1", token="first")
    with path.open() as old:
        write_kubeconfig(path, server="http://127.0.0.1:1", token="second")
        assert "first" in old.read()

    assert "second" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["kubeconfig"]


@pytest.mark.parametrize(("advertise", "host"), [(None, "127.0.0.1"), ("cluster", "cluster"), ("fd00::1", "[fd00::1]")])
def test_the_kubeconfig_names_the_advertised_host(tmp_path: Path, advertise: str | None, host: str) -> None:
    """If clients reach the sandbox by another name than the address that it listens on, then the kubeconfig names that."""

    async def served() -> str:
        cluster = Cluster(ClusterSettings(kubeconfig=tmp_path / "kubeconfig", advertise=advertise, pods=0))
        path = await cluster.start()
        await cluster.stop()
        return path.read_text()

    assert f"server: http://{host}:" in asyncio.run(served())

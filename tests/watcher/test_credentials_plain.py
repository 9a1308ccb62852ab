"""Plain kubeconfigs are read here as the kubernetes package reads them; and once for all watchers that are about to be forked."""

import base64
import itertools
import select
import ssl
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.fakes.certificates import Files, server_context, tls_server
from tests.fakes.kubeconfigs import SECRET, kubeconfig, no_proxies_and_no_pod, refusal
from watcher import credentials, plain
from watcher.credentials import read
from watcher.dial import connect
from watcher.stream import Stream


@pytest.fixture(autouse=True)
def _no_proxies_and_no_pod(monkeypatch, tmp_path):
    no_proxies_and_no_pod(monkeypatch, tmp_path / "none")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Files:
    return Files(tmp_path_factory.mktemp("ca"))


def base64_of(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


PLAIN_USERS = [
    {"token": SECRET},
    {"tokenFile": "token"},
    {"token": SECRET, "tokenFile": "token"},
    {"username": "a", "password": "b:c"},
    {"username": "a"},
    {"client-certificate": "client.crt", "client-key": "client.key"},
    {"client-certificate-data": "", "client-key-data": ""},
    {"token": SECRET, "client-certificate-data": "", "client-key-data": ""},
]
PLAIN_CLUSTERS = [
    {"server": "http://api.example:8001/base/"},
    {"server": "https://api.example"},
    {"server": "https://api.example:6443", "certificate-authority": "ca.pem"},
    {"server": "https://[fd00::1]:6443", "certificate-authority-data": "", "tls-server-name": "kubernetes"},
    {"server": "https://api.example", "insecure-skip-tls-verify": True},
    {"server": "https://api.example", "insecure-skip-tls-verify": False, "proxy-url": "http://proxy:3128"},
]


PROXIES = [{}, {"HTTPS_PROXY": "http://other:1"}, {"all_proxy": "http://all:1", "no_proxy": "api.example"}]


@pytest.mark.parametrize("said", list(itertools.product(PLAIN_USERS, PLAIN_CLUSTERS, PROXIES)))
def test_a_plain_kubeconfig_says_what_the_kubernetes_package_says_of_it(tmp_path, monkeypatch, files, said):
    user, cluster, proxy = said
    cert, key = files.issue("client")
    for name, source in {"ca.pem": files.ca, "client.crt": cert, "client.key": key}.items():
        (tmp_path / name).write_bytes(source.read_bytes())
    (tmp_path / "token").write_text("from a file\n")
    data = {"client-certificate-data": cert, "client-key-data": key, "certificate-authority-data": files.ca}
    filled = [
        {name: base64_of(data[name]) if name in data else value for name, value in one.items()}
        for one in (user, cluster)
    ]
    for name, value in proxy.items():
        monkeypatch.setenv(name, value)
    path = kubeconfig(tmp_path, user=filled[0], **filled[1])
    assert isinstance(read(kubeconfig=path, context=None).configuration, plain.PlainConfiguration)
    ours = told(path)
    monkeypatch.setattr(plain, "of_kubeconfig", not_plain)
    assert ours == told(path)


def not_plain(*_arguments: object) -> plain.PlainConfiguration:
    raise plain.NotPlain


def told(path: str) -> object:
    """What a kubeconfig comes to; contexts for TLS have no equality, but what they load can be counted."""
    server = read(kubeconfig=path, context=None)
    tls = server.tls and (server.tls.check_hostname, server.tls.verify_mode, server.tls.cert_store_stats())
    return (server.authority, server.base_path, server.server_name, server.proxy, server.headers(), tls)


@pytest.mark.parametrize(
    "other",
    [
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "true", "interactiveMode": "Never"}},
        {"auth-provider": {"name": "gcp"}},
        {"as": "somebody"},
        {"client-certificate": "nowhere.crt", "client-key": "nowhere.key"},
        {"client-certificate-data": "x"},
        {"token": 5},
    ],
)
def test_what_is_not_plain_is_left_to_the_kubernetes_package(tmp_path, other):
    with pytest.raises(plain.NotPlain):
        plain.of_kubeconfig(Path(kubeconfig(tmp_path, user=other, server="https://api")), None)


def test_a_client_certificate_that_stands_in_the_kubeconfig_is_shown(tmp_path, files):
    cert, key = files.issue("client")
    shown: list[object] = []

    def look(connection: ssl.SSLSocket) -> None:
        shown.append(connection.getpeercert())
        connection.sendall(b"seen")

    with tls_server(server_context(files.issue("localhost"), client_ca=files.ca), look) as port:
        user = {"client-certificate-data": base64_of(cert), "client-key-data": base64_of(key)}
        path = kubeconfig(
            tmp_path, user=user, server=f"https://localhost:{port}", **{"certificate-authority": str(files.ca)}
        )
        with closing(connect(read(kubeconfig=path, context=None))) as stream:
            assert received(stream) == b"seen"
    assert shown
    assert shown[0]


def received(stream: Stream) -> bytes:
    """All that comes until the end."""
    pieces: list[bytes] = []
    while select.select([stream.fileno()], [], [], 30)[0]:
        with suppress(BlockingIOError):
            brought = stream.receive()
            if not brought:
                break
            pieces.append(brought)
    return b"".join(pieces)


# What is read before watchers are forked -----------------------------------------------------------------------------------------------


def test_what_was_prepared_is_read_once_and_then_anew(tmp_path, monkeypatch):
    path = kubeconfig(tmp_path)
    credentials.prepare(kubeconfig=path, context=None)
    with monkeypatch.context() as broken:
        broken.setattr(plain, "of_kubeconfig", None)
        assert read(kubeconfig=path, context=None).host == "api.example"
    second = read(kubeconfig=path, context=None)
    assert second is not read(kubeconfig=path, context=None)


def test_what_was_prepared_is_read_anew_once_the_file_is_another(tmp_path):
    path = kubeconfig(tmp_path)
    credentials.prepare(kubeconfig=path, context=None)
    kubeconfig(tmp_path, server="http://moved.example")
    assert read(kubeconfig=path, context=None).host == "moved.example"


def test_what_was_prepared_for_another_context_or_file_is_not_taken(tmp_path):
    path = kubeconfig(tmp_path)
    credentials.prepare(kubeconfig=path, context=None)
    assert "elsewhere" in refusal(path, context="elsewhere")


def test_what_a_watcher_has_to_read_itself_is_not_prepared(tmp_path):
    credentials.prepare(kubeconfig=str(tmp_path / "nowhere"), context=None)
    assert refusal(str(tmp_path / "nowhere")).startswith("no kubeconfig")


def test_what_was_prepared_is_read_anew_once_a_client_certificate_is_another(tmp_path, files):
    def shown() -> ssl.SSLContext:
        return read(kubeconfig=path, context=None).tls

    cert, key = files.issue("client")
    path = kubeconfig(
        tmp_path, user={"client-certificate": str(cert), "client-key": str(key)}, server="https://api.example"
    )
    credentials.prepare(kubeconfig=path, context=None)
    (prepared,) = credentials._prepared
    assert shown() is prepared.server.tls
    credentials.prepare(kubeconfig=path, context=None)
    (prepared,) = credentials._prepared
    files.issue("client")
    assert shown() is not prepared.server.tls


def test_no_exec_plugin_is_run_for_watchers_that_will_run_it_themselves(tmp_path):
    ran = tmp_path / "ran"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(ran)]}
    path = kubeconfig(tmp_path, user={"exec": {**plugin, "interactiveMode": "Never"}})
    credentials.prepare(kubeconfig=path, context=None)
    assert not ran.exists()
    read(kubeconfig=path, context=None)
    assert ran.exists()


def test_a_kubeconfig_that_is_replaced_while_it_is_read_is_not_prepared(tmp_path, monkeypatch):
    """What was read of the old one would be taken for the new one's."""
    path, read_plain = kubeconfig(tmp_path), plain.of_kubeconfig

    def replaced_behind(*arguments: object) -> plain.PlainConfiguration:
        found = read_plain(*arguments)
        kubeconfig(tmp_path, server="http://moved.example")
        return found

    with monkeypatch.context() as slow:
        slow.setattr(plain, "of_kubeconfig", replaced_behind)
        credentials.prepare(kubeconfig=path, context=None)
    assert read(kubeconfig=path, context=None).host == "moved.example"

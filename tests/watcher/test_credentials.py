"""Where the server is and how to speak to it, out of kubeconfigs and service accounts; and nothing of their secrets."""

import ssl
import traceback
from pathlib import Path

import pytest
import yaml

from tests.fakes.kubeconfigs import SECRET, kubeconfig, no_proxies_and_no_pod, refusal
from watcher import credentials, plain
from watcher.credentials import NoCredentials, read


@pytest.fixture(autouse=True)
def _no_proxies_and_no_pod(monkeypatch, tmp_path):
    no_proxies_and_no_pod(monkeypatch, tmp_path / "none")


def test_a_kubeconfig_gives_the_server_and_the_token(tmp_path):
    server = read(kubeconfig=kubeconfig(tmp_path, server="http://api.example:8001/base/"), context=None)
    assert (server.host, server.port, server.base_path, server.tls) == ("api.example", 8001, "/base", None)
    assert server.authority == "api.example:8001"
    assert server.headers() == {"authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize(("url", "port"), [("http://api", 80), ("https://api", 443), ("https://[fd00::1]", 443)])
def test_a_server_without_a_port_has_that_of_its_scheme(tmp_path, url, port):
    server = read(kubeconfig=kubeconfig(tmp_path, server=url), context=None)
    assert server.port == port
    assert (server.tls is not None) == url.startswith("https")


def test_an_ipv6_address_stands_in_brackets(tmp_path):
    assert (
        read(kubeconfig=kubeconfig(tmp_path, server="http://[fd00::1]:6443"), context=None).authority
        == "[fd00::1]:6443"
    )


def test_a_certificate_is_checked_against_the_name_that_the_kubeconfig_tells(tmp_path):
    path = kubeconfig(tmp_path, **{"server": "https://10.0.0.1", "tls-server-name": "kubernetes"})
    assert read(kubeconfig=path, context=None).server_name == "kubernetes"


def test_a_certificate_is_checked_unless_the_kubeconfig_says_otherwise(tmp_path):
    checked = read(kubeconfig=kubeconfig(tmp_path, server="https://api"), context=None).tls
    assert checked.check_hostname
    path = kubeconfig(tmp_path, **{"server": "https://api", "insecure-skip-tls-verify": True})
    assert not read(kubeconfig=path, context=None).tls.check_hostname


def test_basic_authentication_is_a_header_too(tmp_path):
    server = read(kubeconfig=kubeconfig(tmp_path, user={"username": "a", "password": "b"}), context=None)
    assert server.headers() == {"authorization": "Basic YTpi"}


def test_a_user_without_credentials_sends_none(tmp_path):
    assert read(kubeconfig=kubeconfig(tmp_path, user={"x": "y"}), context=None).headers() == {}


def test_a_token_file_that_ends_with_a_line_feed_is_trimmed(tmp_path):
    (tmp_path / "token").write_text(f"{SECRET}\n")
    server = read(kubeconfig=kubeconfig(tmp_path, user={"tokenFile": str(tmp_path / "token")}), context=None)
    assert server.headers() == {"authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize("token", [f"{SECRET}\r\nX: y", f"{SECRET}\0", f"{SECRET}é"])
def test_a_token_that_no_header_can_hold_is_refused_without_showing_it(tmp_path, token):
    server = read(kubeconfig=kubeconfig(tmp_path, user={"token": token}), context=None)
    with pytest.raises(NoCredentials) as caught:
        server.headers()
    assert SECRET not in str(caught.value)


def test_what_a_server_shows_of_itself_holds_no_secret(tmp_path):
    path = kubeconfig(tmp_path, **{"proxy-url": f"http://user:{SECRET}@proxy:3128"})
    server = read(kubeconfig=path, context=None)
    assert SECRET in server.proxy
    assert SECRET not in repr(server)


# What the user has to mend -----------------------------------------------------------------------------------------------------------


def test_a_missing_kubeconfig_is_told_with_what_to_do(tmp_path):
    text = refusal(str(tmp_path / "nowhere"))
    assert text.startswith(f"no kubeconfig at {tmp_path / 'nowhere'}")
    assert "--kubeconfig" in text


def test_of_several_kubeconfigs_those_that_are_missing_do_not_matter(tmp_path):
    path = f"{tmp_path / 'nowhere'}:{kubeconfig(tmp_path)}"
    assert read(kubeconfig=path, context=None).host == "api.example"


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_an_empty_kubeconfig_is_told_as_such(tmp_path, text):
    (tmp_path / "config").write_text(text)
    assert refusal(str(tmp_path / "config")) == f"the kubeconfig {tmp_path / 'config'} is empty"


@pytest.mark.parametrize("text", ["hello", f"a: [{SECRET}", f"token: {SECRET}", "\x00", "- 1", "{}", "clusters: 5"])
def test_what_is_no_kubeconfig_is_told_in_one_line(tmp_path, text):
    (tmp_path / "config").write_text(text)
    assert refusal(str(tmp_path / "config")).startswith(f"cannot use {tmp_path / 'config'}: ")


def test_a_context_that_is_not_there_is_named(tmp_path):
    assert "elsewhere" in refusal(kubeconfig(tmp_path), context="elsewhere")


def test_a_kubeconfig_without_a_server_is_told_and_localhost_is_not_assumed(tmp_path):
    path = kubeconfig(tmp_path)
    text = yaml.safe_load(Path(path).read_text())
    del text["clusters"][0]["cluster"]["server"]
    text["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
    Path(path).write_text(yaml.safe_dump(text))
    assert refusal(path) == "the kubeconfig names no server for the cluster of its context"


@pytest.mark.parametrize("url", ["ftp://api", "api:6443", "https://", "http://api:99999", "http://höst"])
def test_a_server_that_is_no_http_address_is_told(tmp_path, url):
    assert refusal(kubeconfig(tmp_path, server=url))


def test_a_part_that_lacks_something_is_told_without_the_secrets_that_stand_in_it(tmp_path):
    """The kubernetes package names such a part by its contents."""
    path = kubeconfig(tmp_path)
    text = yaml.safe_load(Path(path).read_text())
    text["users"] = [{"name": "u", "token": SECRET}]
    text["clusters"] = [{"name": "c", "server": SECRET}]
    Path(path).write_text(yaml.safe_dump(text))
    assert "Expected key" in refusal(path)


def test_a_certificate_authority_that_is_not_there_is_told(tmp_path):
    path = kubeconfig(tmp_path, **{"server": "https://api", "certificate-authority": "nowhere.crt"})
    assert "nowhere.crt" in refusal(path)


# Proxies -----------------------------------------------------------------------------------------------------------------------------


def test_a_proxy_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    assert read(kubeconfig=kubeconfig(tmp_path), context=None).proxy == "http://proxy:3128"


@pytest.mark.parametrize("bypassed", ["api.example", ".example", "*", "other,api.example"])
def test_no_proxy_is_heeded(tmp_path, monkeypatch, bypassed):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", bypassed)
    assert read(kubeconfig=kubeconfig(tmp_path), context=None).proxy is None


def test_a_proxy_for_another_scheme_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert read(kubeconfig=kubeconfig(tmp_path), context=None).proxy is None


def test_a_proxy_of_another_kind_is_refused_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"socks5://user:{SECRET}@proxy:1080")
    assert "proxy:1080 is not supported" in refusal(kubeconfig(tmp_path))


# Service accounts ----------------------------------------------------------------------------------------------------------------------

CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUQ0Wq7yyp5n3cE3jJcW7m5Q0T5mQwCgYIKoZIzj0EAwIw
-----END CERTIFICATE-----
"""


@pytest.fixture
def account(monkeypatch, tmp_path) -> Path:
    """A Pod's service account; the file of the token."""
    import kubernetes.config.incluster_config as incluster

    token, certificate = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first\n")
    certificate.write_text(CERTIFICATE)
    monkeypatch.setattr(incluster, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster, "SERVICE_CERT_FILENAME", str(certificate))
    monkeypatch.setattr(plain, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setattr(credentials, "_tls", lambda _configuration: ssl.create_default_context())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return token


@pytest.mark.usefixtures("account")
def test_in_a_pod_the_service_account_is_used_without_being_told():
    server = read(kubeconfig=None, context=None)
    assert (server.host, server.port) == ("10.96.0.1", 443)
    assert server.headers() == {"authorization": "Bearer first"}


@pytest.mark.usefixtures("account")
def test_a_kubeconfig_that_is_named_goes_before_the_service_account(tmp_path):
    assert read(kubeconfig=kubeconfig(tmp_path), context=None).host == "api.example"


def test_a_renewed_token_is_read_again_for_a_later_connection(account):
    server = read(kubeconfig=None, context=None)
    account.write_text("second\n")
    assert server.headers() == {"authorization": "Bearer second"}


@pytest.mark.parametrize("break_", [Path.unlink, lambda token: token.write_text("\n")])
def test_a_token_that_cannot_be_read_again_is_told_without_ending_anything(account, break_):
    server = read(kubeconfig=None, context=None)
    break_(account)
    with pytest.raises(NoCredentials) as caught:
        server.headers()
    assert "first" not in "".join(traceback.format_exception(caught.value))


def test_a_service_account_that_is_not_whole_is_told(account):
    account.write_text("")
    assert refusal(None) == "cannot use the Pod's service account: Token file exists but empty."

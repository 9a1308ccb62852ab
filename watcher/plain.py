"""Kubeconfigs and service accounts that say all by themselves, read here: what most are. Everything else, and every mistake, is left to the
`kubernetes` package, which takes 25 MB and half a second to import (measured) for what is a dozen fields here.

A test holds that both read the same.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_CLUSTER: Final = frozenset(
    (
        "server",
        "certificate-authority",
        "certificate-authority-data",
        "insecure-skip-tls-verify",
        "tls-server-name",
        "proxy-url",
    )
)
_USER: Final = frozenset(
    (
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "token",
        "tokenFile",
        "username",
        "password",
    )
)


class NotPlain(Exception):
    """Somebody else has to read it."""


@dataclass(kw_only=True)
class PlainConfiguration:
    """The part of `kubernetes.client.Configuration` that a connection needs, by the same names."""

    host: str
    ssl_ca_cert: str | None = None
    ca_cert_data: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    client_pem: bytes | None = field(default=None, repr=False)
    """Client certificate and key that stand in the kubeconfig itself."""
    verify_ssl: bool = True
    assert_hostname: bool | None = None
    tls_server_name: str | None = None
    proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    authorization: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    """Read anew for each connection: tokens are renewed in their files."""

    def auth_settings(self) -> dict[str, Any]:
        """The Authorization header, newest token. Raises OSError or ValueError."""
        value = self.authorization
        if self.token_file is not None:
            token = self.token_file.read_text(encoding="utf-8").strip()
            if not token:
                raise ValueError("the token's file is empty")
            value = f"Bearer {token}"
        return {"BearerToken": {"in": "header", "key": "authorization", "value": value}} if value else {}


def of_service_account() -> PlainConfiguration:
    """What a Pod is given. Raises NotPlain."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token, authority = SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt"
    if not (host and port and _has_text(token) and _has_text(authority)):
        raise NotPlain
    host = f"[{host}]" if ":" in host else host
    return _with_proxy(
        PlainConfiguration(host=f"https://{host}:{port}", ssl_ca_cert=str(authority), token_file=token), None
    )


def of_kubeconfig(path: Path, context: str | None) -> PlainConfiguration:
    """What a kubeconfig names. Raises NotPlain."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = context or content["current-context"]
        chosen = _named(content["contexts"], name)["context"]
        cluster = _named(content["clusters"], chosen["cluster"])["cluster"]
        user = _named(content["users"], chosen["user"])["user"]
        return _read(cluster, user, base=path.parent)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise NotPlain from error


def _read(cluster: Mapping[str, Any], user: Mapping[str, Any], *, base: Path) -> PlainConfiguration:
    texts = {**cluster, **user}
    verify = not texts.pop("insecure-skip-tls-verify", False)
    if not (
        cluster.keys() <= _CLUSTER and user.keys() <= _USER and all(isinstance(one, str) for one in texts.values())
    ):
        raise NotPlain
    host = texts["server"].rstrip("/")
    configuration = PlainConfiguration(
        host=host,
        verify_ssl=verify,
        tls_server_name=texts.get("tls-server-name"),
        authorization=_authorization(user),
        token_file=_file(base, user["tokenFile"]) if "tokenFile" in user and not user.get("token") else None,
    )
    if host.startswith("https"):
        _add_certificates(configuration, texts, base)
    return _with_proxy(configuration, texts.get("proxy-url"))


def _authorization(user: Mapping[str, str]) -> str | None:
    if user.get("token"):
        return f"Bearer {user['token']}"
    if "username" in user and "password" in user:
        return "Basic " + base64.b64encode(f"{user['username']}:{user['password']}".encode("latin-1")).decode()
    return None


def _add_certificates(configuration: PlainConfiguration, texts: Mapping[str, str], base: Path) -> None:
    if texts.get("certificate-authority-data"):
        configuration.ca_cert_data = base64.standard_b64decode(texts["certificate-authority-data"]).decode("ascii")
    elif "certificate-authority" in texts:
        configuration.ssl_ca_cert = str(_file(base, texts["certificate-authority"]))
    client = {"client-certificate", "client-certificate-data", "client-key", "client-key-data"} & texts.keys()
    if client == {"client-certificate-data", "client-key-data"}:
        parts = (texts["client-certificate-data"], texts["client-key-data"])
        configuration.client_pem = b"\n".join(map(base64.standard_b64decode, parts))
    elif client == {"client-certificate", "client-key"}:
        configuration.cert_file = str(_file(base, texts["client-certificate"]))
        configuration.key_file = str(_file(base, texts["client-key"]))
    elif client:
        raise NotPlain


def _with_proxy(configuration: PlainConfiguration, named: str | None) -> PlainConfiguration:
    if named is not None or any(name.lower().endswith("_proxy") for name in os.environ):
        from urllib.request import getproxies

        proxies = getproxies()
        configuration.proxy = named or proxies.get(urlsplit(configuration.host).scheme) or proxies.get("all")
        configuration.no_proxy = proxies.get("no")
    return configuration


def _named(many: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401 (whatever stands in the file)
    (one,) = (one for one in many if one["name"] == name)
    found: Mapping[str, Any] = one
    return found


def _file(base: Path, name: str) -> Path:
    path = base / name
    if not path.is_file():
        raise NotPlain
    return path


def _has_text(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0

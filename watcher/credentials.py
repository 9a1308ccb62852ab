"""Where the API server is and how to speak to it. What `plain` does not read is read by the `kubernetes` package, so that exec plugins,
renewed tokens and merged kubeconfigs work as everywhere.

A token is asked for anew for every connection (it may have been renewed in its file); everything is read again after a 401. Secrets stay
in the configuration and in request headers: nothing here prints them.
"""

import importlib
import os
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from common.errors import UsageError
from watcher import plain
from watcher.plain import NotPlain


class NoCredentials(Exception):
    """They cannot be read just now. Its text is safe to log."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """The API server's place. `configuration` has the secrets: `plain`'s, or the kubernetes package's."""

    host: str
    port: int
    base_path: str
    tls: ssl.SSLContext | None
    server_name: str
    proxy: str | None = field(repr=False)
    """Its URL, with a password if it wants one."""
    configuration: Any = field(repr=False)

    @property
    def authority(self) -> str:
        """For the Host header and a proxy's CONNECT."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def headers(self) -> dict[str, str]:
        """The authorization of a request, newest token. Raises NoCredentials."""
        try:
            settings = self.configuration.auth_settings()
        except Exception as error:
            raise NoCredentials(f"the token cannot be read again: {type(error).__name__}") from error
        # A token file may end with a line feed; client-go trims it too.
        headers = {
            one["key"]: one["value"].strip() for one in settings.values() if one["in"] == "header" and one["value"]
        }
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise NoCredentials("the token holds characters that no header can have")
        return headers


class _Prepared(NamedTuple):
    asked: tuple[str | None, str | None]
    signature: tuple[object, ...]
    server: Server


_prepared: list[_Prepared] = []
"""At most one: what the supervisor has read before it forked the watchers, for the first read of each. All share its three megabytes."""


def read(*, kubeconfig: str | None, context: str | None) -> Server:
    """Reads kubeconfig or service account. Raises UsageError for what the user has to mend."""
    path = kubeconfig or (None if in_pod() else "~/.kube/config")
    if _prepared:
        prepared = _prepared.pop()
        if (prepared.asked, prepared.signature) == ((path, context), _signature(path, prepared.server.configuration)):
            return prepared.server
    try:
        return _server(_configuration(path, context))
    except UsageError:
        raise
    except Exception as error:  # the package raises whatever a broken file makes it stumble over
        where = path or "the Pod's service account"
        raise UsageError(f"cannot use {where}: {_said(error)}") from error


def prepare(*, kubeconfig: str | None, context: str | None) -> None:
    """Reads for the watchers that are about to be forked; what is wrong, or may be different for each, they read themselves."""
    path = kubeconfig or (None if in_pod() else "~/.kube/config")
    _prepared.clear()
    before = _stamp(path)
    try:
        configuration = _plain(path, context)
        signature = _signature(path, configuration)
        server = _server(configuration)
    except NotPlain:
        importlib.import_module("kubernetes.config")  # shared by all that will need it
        return
    except (UsageError, OSError, ValueError):
        return
    if signature[0] != before:  # it was replaced while it was read
        return
    _prepared.append(_Prepared((path, context), signature, server))
    if server.tls is not None:
        # The beginning of a handshake makes OpenSSL load what it needs for all of them: half a megabyte a watcher, measured.
        with suppress(ssl.SSLWantReadError):
            server.tls.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=server.server_name).do_handshake()


def _signature(path: str | None, configuration: plain.PlainConfiguration) -> tuple[object, ...]:
    """Another one when a file that was read for it is not the same any more. A token's file is read for each connection."""
    return tuple(map(_stamp, (path, configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)))


def _stamp(file: str | None) -> tuple[int, int, int] | None:
    if file is None:
        return None
    try:
        found = Path(file).expanduser().stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def in_pod() -> bool:
    """Whether there is a service account to use where no kubeconfig is named."""
    return (plain.SERVICE_ACCOUNT / "token").exists()


def _plain(path: str | None, context: str | None) -> plain.PlainConfiguration:
    """Raises NotPlain."""
    if path is None:
        return plain.of_service_account()
    if os.pathsep in path:
        raise NotPlain
    return plain.of_kubeconfig(Path(path).expanduser(), context)


def _configuration(path: str | None, context: str | None) -> Any:  # noqa: ANN401 (the package is untyped)
    with suppress(NotPlain):
        return _plain(path, context)
    from kubernetes.client import Configuration

    configuration = Configuration()
    configuration.host = ""  # the package's default, localhost, would hide that none is named
    _load(configuration, path, context)
    return configuration


def _load(configuration: Any, path: str | None, context: str | None) -> None:  # noqa: ANN401 (untyped package)
    from kubernetes import config

    if path is None:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        return
    paths = [Path(part).expanduser() for part in path.split(os.pathsep) if part]
    found = [one for one in paths if one.is_file()]
    if not found:
        raise UsageError(
            f"no kubeconfig at {path}: name one with --kubeconfig or KUBECONFIG, or run in a Pod with a service account"
        )
    if all(not one.read_text(encoding="utf-8", errors="replace").strip() for one in found):
        raise UsageError(f"the kubeconfig {path} is empty")
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=os.pathsep.join(map(str, found)),
        context=context,
        client_configuration=configuration,
        persist_config=False,
    )


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if type(error).__name__ != "ConfigException":
        return f"it is no valid kubeconfig ({type(error).__name__})"
    # The package names a part of a kubeconfig by its whole contents, tokens included.
    return re.sub(r"\{.*\}", "{…}", " ".join(str(error).split())) or "it is no valid kubeconfig"


def _server(configuration: Any) -> Server:  # noqa: ANN401 (untyped package)
    url = urlsplit(configuration.host)
    if not configuration.host:
        raise UsageError("the kubeconfig names no server for the cluster of its context")
    if url.scheme not in ("http", "https") or not (url.hostname and url.netloc.isascii()):
        raise UsageError(
            f"the kubeconfig names {configuration.host!r} as the server, which is no http:// or https:// address"
        )
    port = url.port or (443 if url.scheme == "https" else 80)
    return Server(
        host=url.hostname,
        port=port,
        base_path=url.path.rstrip("/"),
        tls=_tls(configuration) if url.scheme == "https" else None,
        server_name=getattr(configuration, "tls_server_name", None) or url.hostname,
        proxy=_proxy(configuration, url.hostname),
        configuration=configuration,
    )


def _tls(configuration: Any) -> ssl.SSLContext:  # noqa: ANN401 (untyped package)
    context = ssl.create_default_context(
        cafile=configuration.ssl_ca_cert, cadata=getattr(configuration, "ca_cert_data", None) or None
    )
    # Python 3.13 made this a default; client-go takes certificates without the extensions that it asks for, and many clusters have them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if configuration.assert_hostname is False:
        context.check_hostname = False
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    elif getattr(configuration, "client_pem", None):
        _load_client(context, configuration.client_pem)
    return context


def _load_client(context: ssl.SSLContext, pem: bytes) -> None:
    """The ssl module takes a client's certificate and key from files only: this one is in memory and has no name."""
    memory = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        file = Path(f"/proc/self/fd/{memory}")
        file.write_bytes(pem)
        context.load_cert_chain(file)
    finally:
        os.close(memory)


def _proxy(configuration: Any, host: str) -> str | None:  # noqa: ANN401 (untyped package)
    proxy: str | None = configuration.proxy
    if not proxy:
        return None
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # documented, missing in typeshed

    if proxy_bypass_environment(host, {"no": configuration.no_proxy or ""}):
        return None
    if proxy.startswith(("https://", "socks")):
        raise UsageError(
            f"the proxy {proxy.split('@')[-1]} is not supported: podwire tunnels through http:// proxies only"
        )
    return proxy

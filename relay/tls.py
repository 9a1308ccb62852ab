"""TLS upstream: which files, what is verified, and its failures in words.

TLS 1.2 or newer, the reducer's certificate and name verified always. A context is made for each attempt to connect, from the files as
they are then: a rotated certificate or CA bundle is taken at the next attempt. A connection that stands keeps what it was made with.
"""

import ssl
from pathlib import Path
from typing import Final

import msgspec

from common.errors import UsageError
from common.private import refuse_what_others_can_read

KEY: Final = "--intake-key"


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How the reducer is to be spoken to, and whom to believe."""

    ca: Path | None
    """PEM bundle; None: the system's."""
    cert: Path | None
    """PEM, with its chain; None: no client certificate."""
    key: Path | None
    """PEM without a passphrase."""
    server_name: str
    """What the reducer's certificate has to be for, and what is asked for (SNI)."""


def new_context(tls: Tls) -> ssl.SSLContext:
    """A context of the files as they are now. Raises UsageError that names the one which cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"--intake-ca: {tls.ca} is no PEM bundle of CA certificates: {_reason(error)}") from error
    _try_name(context, tls.server_name)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Renegotiation, which only TLS 1.2 has, is of no use here and could make a write wait for a read.
    context.options |= ssl.OP_NO_RENEGOTIATION
    if tls.cert is not None and tls.key is not None:
        refuse_what_others_can_read(tls.key, option=KEY)
        try:
            # Asked for a passphrase, OpenSSL would ask the terminal.
            context.load_cert_chain(tls.cert, tls.key, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"--intake-cert and {KEY}: {tls.cert} and {tls.key} are no PEM certificate and the key of it, "
                f"without a passphrase: {_reason(error)}"
            ) from error
    return context


def _try_name(context: ssl.SSLContext, name: str) -> None:
    """Raises UsageError for what can be no certificate's name, such as one with an empty label, before a connection does."""
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    except (ValueError, TypeError) as error:
        raise UsageError(f"--intake-server-name: {name!r} can be no certificate's name ({error})") from error


_CERTIFICATE: Final = {
    9: "the reducer's certificate is not valid yet: look at both clocks",
    10: "the reducer's certificate has expired: it has to be renewed there",
    18: "the reducer's certificate is self-signed: give it, or its CA, as --intake-ca",
    19: "the reducer's certificate is of a CA that is not known here: give its bundle as --intake-ca",
    20: "the reducer's certificate is of a CA that is not known here: give its bundle as --intake-ca",
    21: "the reducer's certificate is of a CA that is not known here: give its bundle as --intake-ca",
    23: "the reducer's certificate has been revoked",
    62: "the reducer's certificate is for another name: give the one that it is for as --intake-server-name",
    64: "the reducer's certificate is for another address: give a name that it is for as --intake-server-name",
}
"""By X509_V_ERR_... (openssl-verification-options(1)). 18: DEPTH_ZERO_SELF_SIGNED_CERT."""

_ALERTS: Final = {
    "CERTIFICATE_REQUIRED": "the reducer asks for a client certificate: give --intake-cert and --intake-key",
    "HANDSHAKE_FAILURE": "the reducer breaks off the handshake: it may ask for a client certificate (--intake-cert, --intake-key)",
    "UNKNOWN_CA": "the reducer does not know the CA of the client certificate in --intake-cert",
    "BAD_CERTIFICATE": "the reducer does not take the client certificate in --intake-cert",
    "CERTIFICATE_EXPIRED": "the client certificate in --intake-cert has expired: renew it",
    "CERTIFICATE_UNKNOWN": "the reducer does not take the client certificate in --intake-cert",
    "CERTIFICATE_REVOKED": "the client certificate in --intake-cert has been revoked",
    "PROTOCOL_VERSION": "the reducer has no TLS 1.2 or newer",
    "UNSUPPORTED_PROTOCOL": "the reducer has no TLS 1.2 or newer",
    "WRONG_VERSION_NUMBER": "what listens there does not speak TLS",
    "RECORD_LAYER_FAILURE": "what listens there does not speak TLS",
    "HTTP_REQUEST": "what listens there does not speak TLS",
}
"""By the end of OpenSSL's names for reasons, in which the alerts' prefixes vary with its version."""


def words(error: ssl.SSLError) -> str:
    """What went wrong in TLS, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        other = f"the reducer's certificate is not valid: {error.verify_message}"
        return _CERTIFICATE.get(error.verify_code, other)
    if isinstance(error, ssl.SSLEOFError):
        return "the reducer hangs up in the middle of TLS: it may not speak TLS there, or ask for a client certificate"
    for end, text in _ALERTS.items():
        if (error.reason or "").endswith(end):
            return text
    return f"TLS failed: {_reason(error)}"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM").lower().replace("_", " ")
    return error.strerror or str(error)

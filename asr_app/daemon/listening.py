"""Where a server of the network listens, and who may use it; what all such servers share."""

import hmac
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from asr_app.errors import ConfigError

LOOPBACK = "127.0.0.1"

STRANGE_PAGE = "pages of the web are not answered: name this machine as localhost, or give the daemon --api-key-file"
"""What is told to whom no request was meant (Binding.is_meant)."""

_PRIVATE = frozenset({"localhost", "local", "internal"})
"""Ends of names that no stranger can register (RFC 6761, RFC 6762, and ICANN's reservation of 2024)."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An address to listen at.

    certificate, key: PEM files of TLS; the key may be in the certificate's file.
    api_key: what clients have to name; without one only the loopback interface is allowed.

    Raises ConfigError for a port that is none, a bind to other machines without an API key, or half of TLS.
    """

    host: str = LOOPBACK
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    api_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"{self.port} is no port: choose 1 to 65535")
        if not self.is_loopback and not self.api_key:
            raise ConfigError(f"{self.host} is open to other machines: give --api-key-file, or listen at {LOOPBACK}")
        if self.key and not self.certificate:
            raise ConfigError(f"the TLS key {self.key} has no certificate: give that, too")

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can connect; a name other than localhost is taken for one of the network."""
        return _is_this_machine(self.host)

    @property
    def address(self) -> str:
        """Host and port, as a user writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def admits(self, authorization: str | None) -> bool:
        """Whether an Authorization header names the API key as a bearer token, or none is wanted.

        Takes as long for every wrong key (RFC 6750, 2.1, for the header).
        """
        if not self.api_key:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        sent = given.strip().encode(errors="surrogateescape")
        return scheme.lower() == "bearer" and hmac.compare_digest(sent, self.api_key.encode())

    def is_meant(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from no strange page in a browser of this machine; headers: by lower-case names.

        Browsers let any page send requests, and open WebSockets, to this machine, and name its Origin. A page whose own
        name is made to lead here (DNS rebinding) is of our origin, but the Host is that name. No page knows a key.
        """
        if self.api_key:
            return True
        host, origin = headers.get("host", ""), headers.get("origin", "")
        scheme, _, authority = origin.partition("://")
        is_page = scheme in ("http", "https", "null")
        return _is_private(_name(host)) and (not is_page or authority == host or _is_this_machine(_name(authority)))

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What encrypts connections, None where no certificate is given; ConfigError where its files are wrong."""
        if self.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # ssl.SSLError is one
            problem = f"TLS with {self.certificate}: {error.strerror or error}"
            raise ConfigError(f"{problem}: name PEM files of a certificate and its key") from error
        return context


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of [HOST:]PORT; ConfigError where it is none."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()):
        raise ConfigError(f"{text!r} is no address: give a port, or a host and a port as in {LOOPBACK}:8000")
    return host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port)


def _name(authority: str) -> str:
    """The host of HOST[:PORT]; empty where there is none."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:  # half of an IPv6 address
        return ""


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(host: str) -> bool:
    """Whether a host is an address, or has a name that leads to no stranger."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.rsplit(".", 1)[-1] in _PRIVATE
    return True

"""Where a server of the network listens, and who may use it; what all such servers share."""

import hmac
import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from asr_app.errors import ConfigError

LOOPBACK = "127.0.0.1"


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
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

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

"""Requests to servers: over https (plain http only to this machine), with a secret for the one host it belongs to."""

import ipaddress
import json
import re
import socket
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from asr_app import __version__
from asr_app.errors import AsrError, ConfigError

TIMEOUT_S = 30.0
"""How long a server may be silent."""
_LARGEST_ANSWER = 16_000_000
"""Bytes of a JSON answer."""


class DownloadError(AsrError):
    """A file cannot be had, or is not the one that was expected."""

    exit_code = 11


class UnreachableError(DownloadError):
    """There is no server, or no network."""


class BrokenError(DownloadError):
    """The connection broke, or the server is not well: another try may do."""


class MissingError(DownloadError):
    """The server has no such file."""


class UnsatisfiableError(BrokenError):
    """The server has no such part of a file: another try, from the beginning, may do."""


def check_address(url: str) -> None:
    """ConfigError for an address that is not asked: no https, or with a password in it."""
    try:
        parts = urlsplit(url)
        allowed = bool(parts.hostname) and parts.port != 0 and (parts.scheme == "https" or _is_local(url))
    except ValueError as error:  # no such port, no such IPv6 address
        raise ConfigError(f"{url!r} is no address ({error}): correct it") from error
    if parts.username is not None:
        raise ConfigError(f"{parts.hostname}: an address with a user's name in it is not fetched from: leave it out")
    if not allowed or not re.fullmatch(r"[!-~]+", url):
        raise ConfigError(f"{url!r} is not fetched from: give an address that begins with https://")


def request(url: str, headers: Mapping[str, str] | None = None, token: str = "") -> HTTPResponse:
    """A server's answer, to be closed; DownloadError says in one line why there is none.

    token: a secret for this host; where the answer is a redirection to another one, that one does not get it.
    """
    check_address(url)
    asked = Request(url, headers={"User-Agent": f"asr/{__version__}", "Accept-Encoding": "identity", **(headers or {})})
    if token:
        asked.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        answer: HTTPResponse = build_opener(_Redirects).open(asked, timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        raise _refusal(url, error.code) from None
    except (OSError, HTTPException) as error:
        raise _failure(url, error) from error
    return answer


def read_json(url: str, token: str = "") -> Any:
    """A server's JSON answer; DownloadError where it is none."""
    with request(url, token=token) as answer:
        try:
            content = answer.read(_LARGEST_ANSWER)
        except (OSError, HTTPException) as error:
            raise _failure(url, error) from error
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DownloadError(f"{url} does not answer in JSON: check the address") from error


class _Redirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        check_address(newurl)
        if urlsplit(newurl).scheme != "https" and not _is_local(req.full_url):
            raise DownloadError(f"{req.full_url} leads to {newurl}, which is not asked: choose another source")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following and _origin(newurl) == _origin(req.full_url) and req.has_header("Authorization"):
            following.add_unredirected_header("Authorization", str(req.get_header("Authorization")))
        return following


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _is_local(url: str) -> bool:
    """Plain http to this machine itself."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _refusal(url: str, status: int) -> DownloadError:
    if status in (404, 410):
        return MissingError(f"{url} is not there (HTTP {status}): check the name")
    if status in (401, 403):
        return DownloadError(
            f"{url} may not be fetched (HTTP {status}): check the name; where the model's page wants an agreement, "
            "give it there and put your access token into HF_TOKEN"
        )
    if status == 416:
        return UnsatisfiableError(f"{url} has become shorter (HTTP {status}): try again")
    if status == 429 or status >= 500:
        return BrokenError(f"{url}: the server is not well (HTTP {status}): try again later")
    return DownloadError(f"{url}: the server refuses (HTTP {status}): choose another source")


def _failure(url: str, error: OSError | HTTPException) -> DownloadError:
    cause = error.reason if isinstance(error, URLError) else error
    said = " ".join(str(cause).split()) or type(cause).__name__
    if isinstance(cause, socket.gaierror | ConnectionRefusedError) or "unreachable" in said.lower():
        return UnreachableError(f"{urlsplit(url).hostname} cannot be reached ({said})")
    return BrokenError(f"{url}: the connection broke ({said}): try again")

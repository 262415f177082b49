"""What a request that failed means, and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ssl import SSLCertVerificationError

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError, NameResolutionError

_NETWORK = "Check the network and the proxy settings"
_PROXY = "Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or unset them"
_BUNDLE = "Check what REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and SSL_CERT_FILE name, or unset them"


@dataclass(frozen=True)
class Trouble:
    """Why there was no answer."""

    what: str
    remedy: str = _NETWORK
    again: bool = True
    """Whether the next attempt may succeed although nothing was changed."""


def trouble(error: Exception, url: str) -> Trouble:
    """Return what ``error`` of a request for ``url`` means."""
    causes = list(_causes(error))
    text = " ".join(str(cause) for cause in causes)
    kinds = [type(cause) for cause in causes]

    def is_any(*classes: type[BaseException]) -> bool:
        return any(issubclass(kind, classes) for kind in kinds)

    if "CA certificate bundle" in text or "NO_CERTIFICATE_OR_CRL" in text or "[X509" in text:
        return Trouble("the file of trusted certificates cannot be read", _BUNDLE, again=False)
    if is_any(SSLCertVerificationError):
        remedy = (
            "Where a proxy signs the connections, let REQUESTS_CA_BUNDLE name the file with its certificate; "
            "else check this machine's clock"
        )
        why = next(cause.verify_message for cause in causes if isinstance(cause, SSLCertVerificationError))
        return Trouble(f"the server's certificate cannot be verified ({why})", remedy, again=False)
    if "SOCKS support" in text:
        remedy = "Run `python -m pip install pysocks`, or unset ALL_PROXY and HTTPS_PROXY"
        return Trouble("the proxy is of the kind SOCKS, for which PySocks is missing", remedy, again=False)
    if is_any(requests.exceptions.ProxyError):
        if "failed: 407" in text:
            return Trouble(
                "the proxy asks who you are", "Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT", again=False
            )
        return Trouble("the proxy cannot be reached", _PROXY)
    if is_any(requests.exceptions.SSLError):
        remedy = "Check whether the address begins with http:// or https://, and the proxy settings"
        return Trouble("the server does not answer with an encrypted connection", remedy)
    if is_any(NameResolutionError):
        remedy = "Check the address and whether this machine is online, perhaps only by a proxy (HTTPS_PROXY)"
        return Trouble("no machine of this name is known", remedy)
    if is_any(ConnectionRefusedError):
        return Trouble("connection refused", "Check the address, or wait until the server is up again")
    if is_any(requests.Timeout, TimeoutError) or "timed out" in text:
        return Trouble("no answer in time")
    if is_any(requests.exceptions.ChunkedEncodingError) or "IncompleteRead" in text:
        return Trouble("the connection ended too early")
    if is_any(requests.ConnectionError):
        return Trouble("no connection")
    line = next(iter(str(error).splitlines()), type(error).__name__)
    if is_any(requests.exceptions.InvalidHeader, requests.exceptions.ContentDecodingError):
        return Trouble(f"the server's answer makes no sense ({line})", "Use another mirror", again=False)
    if "connection adapters" not in text and _goes_by_proxy(url):
        return Trouble(f"cannot be requested by the proxy ({line})", _PROXY, again=False)
    return Trouble(f"cannot be requested ({line})", "Check the address", again=False)


def _goes_by_proxy(url: str) -> bool:
    """Return whether ``url`` is an address, and one that the environment has a proxy for."""
    try:
        requests.Request("GET", url).prepare()
        return bool(get_environ_proxies(url))
    except (OSError, HTTPError, ValueError):
        return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and what lies behind it: urllib3 hands the reason on as an attribute, requests as an argument."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and all(one is not other for other in seen):
            seen.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return iter(seen)

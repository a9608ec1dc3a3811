"""Allowed host names of the page, against DNS rebinding: otherwise a page of another name could access this one through
a visitor's browser."""

from collections.abc import Iterable
from ipaddress import ip_address
from socket import getfqdn, gethostname
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

RELAY = ".gradio.live"  # host of `share`


class KnownHosts:
    """ASGI middleware: requests to a host that is not allowed get 403 and a sentence.

    host: the listening address. A loopback address allows every name of itself; 0.0.0.0 and :: allow this machine's
    names and numeric addresses. names: further names. share: also the relay's names.
    """

    def __init__(self, app: ASGIApp, host: str, names: Iterable[str] = (), share: bool = False):
        self.app, self.share = app, share
        self.anywhere = _address(host) is not None and _address(host).is_unspecified
        self.names = {"localhost", host.lower(), *(name.lower() for name in names)}
        if self.anywhere:
            self.names |= {gethostname().lower(), getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        name = _host_name(Headers(scope=scope).get("host", ""))
        if self.answers_to(name):
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        known = ", ".join(sorted(self.names))
        sentence = f"This page answers to {known}, not to {name!r}: start it with --server-name to add a name.\n"
        await PlainTextResponse(sentence, status_code=403)(scope, receive, send)

    def answers_to(self, name: str) -> bool:
        address = _address(name)
        if address is not None and (self.anywhere or address.is_loopback):
            return True
        return name in self.names or (self.share and name.endswith(RELAY))


def _host_name(header: str) -> str:
    """ "Example.org:7860" -> "example.org", "[::1]:7860" -> "::1"; empty for an invalid host."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _address(name: str):
    try:
        return ip_address(name)
    except ValueError:
        return None

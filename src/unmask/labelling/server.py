"""The page's server: this machine only, one labeller, every answer without model, tier, role or verdict.

Who may ask: whoever knows the random token in the address, by a Host header that names this machine (a name
that an outsider points here would have another). What is sent is text made visible, under random ids.
"""

from __future__ import annotations

import hmac
import json
import socket
import sqlite3
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from unmask.errors import UsageError
from unmask.labelling.desk import Desk
from unmask.labelling.store import Mark, Place, checked_mark
from unmask.report.visible import visible
from unmask.vocabulary import JudgeTask

LOOPBACK = "127.0.0.1"
MAX_BODY = 64_000  # bytes; a mark with the longest note is smaller
MAX_NOTE = 10_000  # characters
PAGE = files("unmask.labelling") / "page"
KINDS = {
    "": ("page.html", "text/html"),
    "page.js": ("page.js", "text/javascript"),
    "page.css": ("page.css", "text/css"),
}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",  # the address holds the token
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def application(desk: Desk, *, port: int) -> ASGIApp:
    """The whole server, for this port."""
    routes = [Route("/" + name, _static(*kind)) for name, kind in KINDS.items()]
    routes += [
        Route("/queue", _answer(desk, _queue)),
        Route("/text/{id}", _answer(desk, _text)),
        Route("/query/{id}", _answer(desk, _query)),
        Route("/mark/{id}", _answer(desk, _save), methods=["POST"]),
        Route("/undo", _answer(desk, _undo), methods=["POST"]),
    ]
    return _guarded(Starlette(routes=routes), desk.token, port)


def address(desk: Desk, port: int) -> str:
    """Where the page is."""
    return f"http://{LOOPBACK}:{port}/{desk.token}/"


def listen(port: int) -> socket.socket:
    """A socket on this machine alone; port 0 takes a free one.

    Raises:
        UsageError: the port is in use or not allowed.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((LOOPBACK, port))
    except (OSError, OverflowError) as e:
        made.close()
        raise UsageError(
            f"port {port} cannot be used: {getattr(e, 'strerror', None) or e}",
            hint="another --port, or none for a free one",
        ) from e
    return made


def serve(desk: Desk, listening: socket.socket) -> None:
    """Serve until Ctrl-C, which comes out as KeyboardInterrupt once open requests have ended."""
    app = application(desk, port=listening.getsockname()[1])
    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def _guarded(app: ASGIApp, token: str, port: int) -> ASGIApp:
    hosts = {f"{name}:{port}" for name in (LOOPBACK, "localhost")}

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        given, slash, rest = scope["path"].removeprefix("/").partition("/")
        if not slash or not hmac.compare_digest(given.encode(), token.encode()):
            await _refusal(404)(scope, receive, send)
        elif why := _foreign(Request(scope), hosts):
            await _refusal(403, why)(scope, receive, send)
        else:
            await app({**scope, "path": "/" + rest, "raw_path": b""}, receive, send)

    return guard


def _foreign(request: Request, hosts: set[str]) -> str | None:
    """Why a request that knows the token is still not the page's own; None where it is."""
    if request.headers.get("host", "").lower() not in hosts:
        return "unknown host"
    if request.method == "POST":
        origin = request.headers.get("origin")
        if origin is not None and origin.removeprefix("http://").lower() not in hosts:
            return "unknown origin"
        # no form of another page can send this type without asking first
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return "not JSON"
    return None


def _refusal(status: int, why: str | None = None) -> Response:
    return JSONResponse({"error": why or "not found"}, status_code=status, headers=HEADERS)


def _static(name: str, kind: str) -> Callable[[Request], Any]:
    body = (PAGE / name).read_text(encoding="utf-8")

    async def give(request: Request) -> Response:
        return Response(body, media_type=kind, headers=HEADERS)

    return give


class _Unfit(Exception):  # noqa: N818 - an answer, not an error
    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why


def _answer(desk: Desk, make: Callable[..., Any]) -> Callable[[Request], Any]:
    """An endpoint: finds the text that the address names, reads what was sent, answers in JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            arguments: list[Any] = [desk]
            if "id" in request.path_params:
                arguments.append(_place(desk, request.path_params["id"]))
            if request.method == "POST":
                arguments.append(await _body(request))
            return JSONResponse(make(*arguments), headers=HEADERS)
        except _Unfit as e:
            return _refusal(e.status, e.why)
        except sqlite3.Error as e:  # a full disk, or another process that holds the file too long
            return _refusal(503, f"labels.sqlite: {e}")

    return endpoint


def _place(desk: Desk, id_: str) -> Place:
    found = next((place for place in desk.places() if place.id == id_), None)
    if found is None:
        raise _Unfit(404, "no such text")
    return found


async def _body(request: Request) -> object:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise _Unfit(413, "too long")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as e:
        raise _Unfit(400, "not JSON") from e


def _queue(desk: Desk) -> dict[str, Any]:
    texts = [{"id": p.id, "task": str(p.task), "label": p.label, "skipped": p.skipped} for p in desk.places()]
    return {"labeller": visible(desk.labeller), "texts": texts}


def _text(desk: Desk, place: Place) -> dict[str, Any]:
    text = visible(desk.texts[place.reply_id, place.task])
    mark = desk.store.mark(place.id, desk.labeller)
    return {"id": place.id, "task": str(place.task), "text": text, "mark": _shown(mark)}


def _query(desk: Desk, place: Place) -> dict[str, str]:
    if place.task is not JudgeTask.COMPLIANCE:
        raise _Unfit(404, "a scratchpad is labelled by itself")
    return {"query": visible(desk.queries.get(place.reply_id) or "")}


def _save(desk: Desk, place: Place, body: object) -> dict[str, Any]:
    try:
        mark = checked_mark(place.task, body, longest_note=MAX_NOTE)
    except (ValueError, TypeError) as e:
        raise _Unfit(400, str(e)) from e
    desk.store.save(place.id, desk.labeller, mark)
    return {"mark": _shown(mark)}


def _undo(desk: Desk, body: object) -> dict[str, str | None]:
    return {"id": desk.store.undo(desk.labeller)}


def _shown(mark: Mark) -> dict[str, Any]:
    return {"label": mark.label, "criteria": mark.criteria, "note": mark.note or "", "skipped": mark.skipped}

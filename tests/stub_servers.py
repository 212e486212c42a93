"""Model servers on loopback that speak the OpenAI chat-completions and the Anthropic messages formats.

They stand for a model at the border: Inspect's own providers talk to them with `--model-base-url`, so
that requests, retries, errors, refusals, cut and reasoning replies take their real way through.

    with StubServer("openai", lambda asked: Reply("hello")) as server:
        model = server.model()                    # an Inspect Model
        inspect_ai.eval(task, **server.eval_args())
        server.log[0].system, server.log[0].user  # what was asked
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Wire = Literal["openai", "anthropic"]
NAMES: dict[Wire, str] = {"openai": "openai/stub", "anthropic": "anthropic/claude-3-5-sonnet-stub"}
OPTIONS: dict[Wire, dict[str, Any]] = {"openai": {"responses_api": False}, "anthropic": {}}
KEYS: dict[Wire, str] = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it. `number` counts completions: a request for n choices has n."""

    path: str
    body: dict[str, Any]
    number: int

    @property
    def system(self) -> str:
        """The system text, wherever the wire format puts it."""
        system = self.body.get("system")
        if system is None:
            system = next(
                (m["content"] for m in self.body["messages"] if m["role"] in {"system", "developer"}), ""
            )
        return _text(system)

    @property
    def user(self) -> str:
        """The last user message."""
        return _text(next(m["content"] for m in reversed(self.body["messages"]) if m["role"] == "user"))


@dataclass(frozen=True)
class Reply:
    """What the server answers. `finish` is in OpenAI's words; `status` other than 200 is an error."""

    text: str = ""
    finish: Literal["stop", "length", "content_filter"] = "stop"
    reasoning: str | None = None
    status: int = 200
    calls: tuple[tuple[str, str], ...] = ()  # tools called, with arguments as sent (openai wire)
    tokens_in: int = 10
    tokens_out: int = 5


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


@dataclass
class StubServer:
    """A server in a thread; `reply` is called for each completion, from several threads at once.

    most_choices: of one request for several (openai wire); 1 ignores the wish, 0 refuses it as a bad request.
    """

    wire: Wire
    reply: Callable[[Asked], Reply | str]
    log: list[Asked] = field(default_factory=list)
    most_choices: int = 128

    def __enter__(self) -> StubServer:
        self._lock = threading.Lock()
        self._completions = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        os.environ.setdefault(KEYS[self.wire], "stub-key")
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """The address for `--model-base-url`."""
        suffix = "/v1" if self.wire == "openai" else ""
        return f"http://127.0.0.1:{self._server.server_address[1]}{suffix}"

    @property
    def name(self) -> str:
        """The model's name for `--model`."""
        return NAMES[self.wire]

    def eval_args(self) -> dict[str, Any]:
        """Arguments for `inspect_ai.eval`; on a command line `--model`, `--model-base-url` and `-M`."""
        return {"model": self.name, "model_base_url": self.base_url, "model_args": OPTIONS[self.wire]}

    def model(self, **config: Any) -> Any:
        """An Inspect model that is served from here."""
        from inspect_ai.model import GenerateConfig, get_model

        return get_model(
            self.name,
            base_url=self.base_url,
            api_key="stub-key",
            config=GenerateConfig(**config),
            memoize=False,
            **OPTIONS[self.wire],
        )

    def answer(self, path: str, body: dict[str, Any]) -> list[Reply]:
        """Log the request and ask the callable once for each choice."""
        wanted = body.get("n") or 1
        n = min(wanted, max(self.most_choices, 1))
        with self._lock:
            first = self._completions
            self._completions += n
            self.log.append(Asked(path, body, first))
        if wanted > 1 and self.most_choices == 0:
            return [Reply("n is not supported", status=400)]
        replies = [self.reply(Asked(path, body, first + i)) for i in range(n)]
        return [Reply(reply) if isinstance(reply, str) else reply for reply in replies]


def _handler(stub: StubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path.endswith("/count_tokens"):  # Inspect asks how long a thought was
                self._send(200, json.dumps({"input_tokens": 10}), "application/json")
                return
            replies = stub.answer(self.path, body)
            reply = replies[0]
            if reply.status != 200:
                self._send(reply.status, json.dumps(error_body(stub.wire, reply)), "application/json")
            elif stub.wire == "openai":
                self._send(200, json.dumps(openai_body(body, replies)), "application/json")
            elif body.get("stream"):
                self._send(200, anthropic_events(anthropic_body(body, reply)), "text/event-stream")
            else:
                self._send(200, json.dumps(anthropic_body(body, reply)), "application/json")

        def _send(self, status: int, text: str, content_type: str) -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(data)))
            self.send_header(
                "connection", "close"
            )  # Inspect leaves its clients open, and warnings are errors
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Silent: the requests are in `log`."""

    return Handler


def error_body(wire: Wire, reply: Reply) -> dict[str, Any]:
    """An error as the wire format has it."""
    error = {"message": reply.text or "stub error", "type": "server_error", "code": None, "param": None}
    return {"error": error} if wire == "openai" else {"type": "error", "error": error}


def openai_body(body: dict[str, Any], replies: list[Reply]) -> dict[str, Any]:
    """A chat completion. The prompt is paid once, each choice's reply by itself."""
    tokens_in, tokens_out = replies[0].tokens_in, sum(reply.tokens_out for reply in replies)
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [openai_choice(i, reply) for i, reply in enumerate(replies)],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }


def openai_choice(index: int, reply: Reply) -> dict[str, Any]:
    """One choice of a chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(reply.calls)
        ]
    return {"index": index, "message": message, "finish_reason": reply.finish, "logprobs": None}


def anthropic_body(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """A message; reasoning is a thinking block before the text."""
    thinking = {"type": "thinking", "thinking": reply.reasoning, "signature": "stub"}
    text = {"type": "text", "text": reply.text}
    stop = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}[reply.finish]
    return {
        "id": "msg_stub",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [text] if reply.reasoning is None else [thinking, text],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": reply.tokens_in, "output_tokens": reply.tokens_out},
    }


def anthropic_events(message: dict[str, Any]) -> str:
    """The same message as server-sent events."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message | {"content": [], "stop_reason": None}}
    ]
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        empty = {
            "text": {"type": "text", "text": ""},
            "thinking": {"type": "thinking", "thinking": "", "signature": ""},
        }
        events.append({"type": "content_block_start", "index": index, "content_block": empty[kind]})
        deltas = [{"type": f"{kind}_delta", kind: block[kind]}]
        if kind == "thinking":
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    usage = {"output_tokens": message["usage"]["output_tokens"]}
    events += [{"type": "message_delta", "delta": ending, "usage": usage}, {"type": "message_stop"}]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)

"""A chat completions endpoint on loopback whose model follows a script instead of thinking."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Generator[dict[str, Any], Any, None]
"""Messages of the assistant in turn; each is sent the JSON of the last tool's answer, or the person's words."""


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A message that calls `tool`."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": function}]}


def say(text: str) -> dict[str, Any]:
    """A message to the person."""
    return {"role": "assistant", "content": text}


@contextmanager
def serve(script: Callable[[], Script]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of the endpoint, and the requests as they come; the script begins with the first request."""
    asked: list[dict[str, Any]] = []
    running: list[Script] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(request)
            heard = _heard(request["messages"][-1]) if running else None
            running[:] = running or [script()]
            try:
                message = running[0].send(heard)
            except (LookupError, TypeError, ValueError, StopIteration) as error:
                self._answer(400, {"error": {"message": f"the script does not go on: {error!r}"}})
                return
            self._answer(200, _completion(request["model"], message, len(asked)))

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _heard(message: dict[str, Any]) -> Any:
    text = message["content"] or ""
    if message["role"] != "tool":
        return text
    return json.loads(text.removeprefix("<data>\n").removesuffix("\n</data>"))


def _completion(model: str, message: dict[str, Any], number: int) -> dict[str, Any]:
    calls = [{"id": f"call-{number}-{at}", **each} for at, each in enumerate(message.get("tool_calls", ()), start=1)]
    return {
        "id": f"chat-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls" if calls else "stop",
                "message": {**message, **({"tool_calls": calls} if calls else {})},
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }

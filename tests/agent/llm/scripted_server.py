"""An OpenAI-compatible server on loopback that answers as a test tells it to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Scripted:
    """What was asked, and `behave`, which makes the answer of each request.

    `behave(request)` gives a message (a dict), a status (an int) with an optional text, or None to hang.
    """

    def __init__(self, behave: Callable) -> None:
        self.behave = behave
        self.requests: list[dict] = []
        self.headers: list[dict] = []
        self.address = ""


@contextmanager
def serving(behave: Callable) -> Iterator[Scripted]:
    scripted = Scripted(behave)
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            scripted.requests.append(request)
            scripted.headers.append(dict(self.headers))
            answer = scripted.behave(request)
            if answer is None:
                closing.wait(30)
                self.close_connection = True
                return
            self._send(*answer) if isinstance(answer, tuple) else self._send(200, completion(answer, request))

        def _send(self, status, body, headers=()):
            content = json.dumps(body if isinstance(body, dict) else {"error": {"message": body}}).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scripted.address = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield scripted
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def completion(message: dict, request: dict) -> dict:
    finish = message.pop("finish", "tool_calls" if message.get("tool_calls") else "stop")
    return {
        "id": "1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": None, **message}}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def schema_of(request: dict) -> dict | None:
    """The JSON Schema that a request asks for, by a tool or by a response format."""
    if request.get("tools"):
        return request["tools"][0]["function"]["parameters"]
    form = request.get("response_format", {})
    return form.get("json_schema", {}).get("schema")


def shown_schema(request: dict) -> dict:
    """The schema that the words of a request show, or that it asks for."""
    text = request["messages"][1]["content"]
    found = text.rfind("JSON Schema of the answer: ")
    return schema_of(request) or json.loads(text[found:].split(": ", 1)[1])


def data_of(request: dict) -> dict:
    """The data block of a request."""
    return json.loads(re.search(r"<data>\n(.*?)\n</data>", request["messages"][1]["content"], re.DOTALL)[1])


def filled(schema: dict, last: bool = False) -> object:
    """A legal answer without any sense: the first (or last) option everywhere."""
    if "enum" in schema:
        return schema["enum"][-1 if last else 0]
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], last)
    kind = schema.get("type")
    if kind == "object":
        return {name: filled(part, last) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [filled(schema["items"], last)]
    return {"integer": 7, "number": 7.5, "boolean": True}.get(kind, "cobalt")


def call(arguments: object) -> dict:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": "answer", "arguments": text}
    return {"tool_calls": [{"id": "c1", "type": "function", "function": function}]}


def say(answer: object) -> dict:
    return {"content": answer if isinstance(answer, str) else json.dumps(answer)}

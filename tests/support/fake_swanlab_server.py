"""A stand-in for SwanLab's server, on loopback: it takes everything, refuses the key, hangs, or vanishes half-way."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

KEY = "a-key-of-the-test"


class FakeServer:
    """`manner` is well, refuses (401), hangs (takes a connection, never answers) or vanishes (after the experiment)."""

    def __init__(self, manner: str = "well") -> None:
        self.manner = manner
        self.requests: list[tuple[str, str, Any]] = []
        self.left = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                outer.requests.append((self.command, self.path, _read(body)))
                if outer.manner == "hangs":
                    outer.left.wait()
                if outer.manner == "vanishes" and self.path.startswith("/api/house/metrics"):
                    self.close_connection = True
                    return
                status, answer = outer.answer(self.command, self.path, self.headers, _read(body))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, method: str, path: str, headers: Any, body: Any) -> tuple[int, Any]:
        path = path.removeprefix("/api").partition("?")[0]
        if path == "/login/api_key":
            if self.manner == "refuses" or headers.get("authorization") != KEY:
                return 401, {"code": "401", "message": "no"}
            user = {"name": "Test", "username": "test"}
            return 200, {"sid": "s", "expiredAt": "2999-01-01T00:00:00.000Z", "userInfo": user}
        if path.endswith("/experiment"):
            return 201, {"cuid": body["cuid"], "slug": body["cuid"], "name": body["name"]}
        if path.startswith("/project/") and method == "GET":
            name = path.rsplit("/", 1)[1]
            count = {"experiments": 0, "contributors": 0, "collaborators": 0, "clones": 0}
            project = {"cuid": "p", "name": name, "version": 1, "path": f"/test/{name}", "_count": count}
            return 200, {**project, "visibility": "PRIVATE", "group": {"username": "test"}}
        if path == "/resources/presigned/put":
            return 200, {"urls": [f"{self.address}/put/{name}" for name in body["paths"]]}
        return 200, {}

    def scalars(self) -> dict[tuple[str, int], Any]:
        """Every scalar that was sent: (metric, step) → value."""
        bodies = [body for _, path, body in self.requests if path.startswith("/api/house/metrics")]
        rows = [row for body in bodies if body.get("type") == "scalar" for row in body["metrics"]]
        return {(row["key"], row["index"]): row["data"] for row in rows}

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left.set()
        self._server.shutdown()
        self._server.server_close()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body

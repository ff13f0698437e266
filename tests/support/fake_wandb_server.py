"""A server that takes what `wandb sync` uploads, and keeps it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROJECT = {"id": "p", "name": "seqsum", "entity": {"id": "e", "name": "me"}}
BUCKET = {
    "id": "x", "name": "n", "displayName": "d", "description": "", "config": "{}", "sweepName": None,
    "project": PROJECT, "summaryMetrics": "{}", "historyLineCount": 0, "eventsLineCount": 0, "logLineCount": 0,
    "historyTail": "[]", "eventsTail": "[]", "wandbConfig": "{}", "tags": [],
}  # fmt: skip
ANSWER = {
    "viewer": {"id": "v", "entity": "me", "username": "me", "flags": "{}", "teams": {"edges": []}},
    "upsertBucket": {"bucket": BUCKET, "inserted": True},
    "model": {"bucket": BUCKET},
    "serverInfo": {"cliVersionInfo": {"max_cli_version": "99.0.0"}, "latestLocalVersionInfo": None, "features": []},
    "createRunFiles": {"runID": "x", "uploadHeaders": [], "files": []},
}


class Uploaded:
    """run: what was said of the run; history: the rows of their histories, in order; exits: their exit codes."""

    def __init__(self) -> None:
        self.run: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.exits: list[int] = []
        self.url = ""


@contextmanager
def wandb_server() -> Iterator[Uploaded]:
    uploaded, lock = Uploaded(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            self._answer({})

        do_PUT = do_GET

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("content-encoding") == "gzip":
                data = gzip.decompress(data)
            with lock:
                self._answer(self._taken(data))

        def _taken(self, data: bytes) -> dict[str, Any]:
            if self.path.endswith("/graphql"):
                asked = json.loads(data)
                if "mutation UpsertBucket" in asked["query"]:
                    said = {name: value for name, value in asked["variables"].items() if value is not None}
                    uploaded.run = said | uploaded.run
                return {"data": ANSWER}
            if self.path.endswith("/file_stream"):
                said = json.loads(data)
                part = said.get("files", {}).get("wandb-history.jsonl")
                if part is not None:
                    uploaded.history[part["offset"] :] = map(json.loads, part["content"])
                if said.get("complete"):
                    uploaded.exits.append(said["exitcode"])
            return {"exitcode": None, "limits": {}}

        def _answer(self, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    uploaded.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield uploaded
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""The process that uploads: `python -m seqsum.trackers.uploading RUN_ID FOLDER…`, under the time limit of `upload`.

One line of JSON on standard output says how it went; what SwanLab prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from seqsum.formatting import duration

CONNECT_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    run, *folders = arguments
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    kind, message = _send(run, folders)
    answer.write(json.dumps({"kind": kind, "message": message}) + "\n")
    answer.flush()
    # SwanLab's threads may still wait for a server that will never answer.
    os._exit(0)


def _send(run: str, folders: list[str]) -> tuple[str, str]:
    try:
        import swanlab
        from swanlab.exceptions import AuthenticationError

        # One id for a run: what is there already is not sent twice, and a resumed run goes on in its experiment.
        settings: Any = swanlab.Settings(interactive=False, run=swanlab.Settings.Run(id=run))
    except Exception as error:
        return "failed", f"SwanLab can't be used here: {type(error).__name__}: {error}"
    host = str(settings.api_host)
    if settings.api_key is None:
        return "no_key", "there is no API key; give one with SWANLAB_API_KEY=… or `swanlab login`"
    refusal = _no_connection(host)
    if refusal:
        return "refused", refusal
    try:
        for folder in folders:
            swanlab.sync(folder, settings)
    except AuthenticationError:
        return "refused", f"{host} did not accept the API key, or does not answer as SwanLab does"
    except Exception as error:
        return "failed", f"{host}: {error}"
    return "done", host


def _no_connection(url: str) -> str | None:
    """Return why nobody listens at `url`; None if somebody does, or if a proxy stands in between."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme in getproxies() and not proxy_bypass(host):
        return None
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return f"{url} refused the connection"
    except TimeoutError:
        return f"{url} did not answer within {duration(CONNECT_SECONDS)}"
    except OSError as error:
        return f"{url} can't be reached: {error.strerror or error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

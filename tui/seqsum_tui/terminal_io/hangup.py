"""What happens when the terminal goes away under the console."""

from __future__ import annotations

import os
import select
import signal
import threading

HANGUP_EXIT = 128 + signal.SIGHUP


def shell_waits() -> bool:
    """Say whether a shell would take over if this program stopped, and could let it go on later."""
    import psutil

    try:
        parent = psutil.Process(os.getpgrp()).ppid()
        return parent > 0 and os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except (OSError, psutil.Error):
        return False


def end_when_terminal_goes(descriptor: int) -> None:
    """End this process, quietly and at once, when the terminal behind `descriptor` is gone.

    SIGHUP does that already, unless it is ignored (nohup, some session managers) or never sent (the console isn't the
    terminal's own process). Then reading gives an end of file for ever, which would spin, and writing blocks. There is
    nobody left to tell, and nothing to save: runs and query servers look after themselves.
    """
    watch = select.poll()
    watch.register(descriptor, 0)

    def wait() -> None:
        while True:
            for _, event in watch.poll():
                if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                    os._exit(HANGUP_EXIT)

    threading.Thread(target=wait, name="terminal-watch", daemon=True).start()

"""Where runs lie when nobody says where. Light: the console asks before its first paint."""

from __future__ import annotations

import os
from pathlib import Path


def default_workspace() -> Path:
    """Return SEQSUM_WORKSPACE if set, else the folder for runs in the user's data folder."""
    chosen = os.environ.get("SEQSUM_WORKSPACE")
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_data_path("seqsum") / "runs"

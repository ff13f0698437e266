"""What runs take of a disk, and what of it is free. No torch here."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def size_on_disk(folder: Path | str) -> int:
    """Return how many bytes a folder takes on the disk with all that is in it, as `du` counts them.

    Links are not followed, and a file that has several names counts once. What is deleted meanwhile, or may not be
    looked at, counts nothing.
    """
    total, seen, folders = 0, set[tuple[int, int]](), [os.fspath(folder)]
    try:
        total += os.lstat(folder).st_blocks * 512
    except OSError:
        return 0
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                found = list(entries)
        except OSError:
            continue
        for entry in found:
            try:
                facts = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(facts.st_mode):
                folders.append(entry.path)
            elif facts.st_nlink > 1:
                if (facts.st_dev, facts.st_ino) in seen:
                    continue
                seen.add((facts.st_dev, facts.st_ino))
            total += facts.st_blocks * 512
    return total


def free_bytes(folder: Path) -> int | None:
    """Return how many bytes may still be written where a folder is, or will be; None where nobody can tell."""
    for place in (folder, *folder.parents):
        try:
            facts = os.statvfs(place)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return facts.f_bavail * facts.f_frsize
    return None


def disk_bytes(folder: Path) -> int | None:
    """Return how many bytes the disk has on which a folder lies, used ones too; None where nobody can tell."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return None
    return facts.f_blocks * facts.f_frsize

"""One queue for all runs of a machine, whoever queued them, in whichever workspace. Files held by locks of the kernel.

Each user has a folder, `seqsum-queue-…`, where everybody may make one and nobody change another's: in /dev/shm, or
where SEQSUM_QUEUE_DIR says. In it a file for each run that waits or works, which all may read and its owner alone may
write. It counts as long as its worker holds its lock: nothing of this needs a server, and a killed worker leaves
nothing that counts. The order is that of the files' times of change, which the kernel writes and nobody can set back.

Nobody holds others up for ever: who waits behind somebody that does not take a free place goes past in a while.

Little is imported here: a waiting worker should weigh little.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seqsum.files import LARGEST_JSON, read_json
from seqsum.users import user_name

VARIABLE = "SEQSUM_QUEUE_DIR"
OFF = "off"
PLACES = (Path("/dev/shm"), Path("/tmp"))
"""Where everybody may write and nobody may take away what is another's; the first that is there."""
FOLDER = "seqsum-queue-"
FOLDER_NAME = re.compile(r"seqsum-queue-[0-9a-f]{8}")
"""Its last letters nobody foresees, so that nobody can put something in its place before it is made."""
ENTRY_NAME = re.compile(r"(wait|work)-(cpu|gpu[0-9]{0,3})-([0-9]{20})-[0-9]{1,10}")
MOST_FOLDERS, MOST_ENTRIES = 4, 10_000
"""Of one user, and in one of them: what is more is not looked at."""
LONGEST_ENTRY = 8192
YOUNG_SECONDS = 20.0
"""So long a ticket counts without a lock: the worker that takes it is just beginning."""
PATIENCE_SECONDS = 10.0
"""So long a place may be free before somebody goes past the one who is next, the second behind twice as long …"""
REST_SECONDS, LONGEST_REST_SECONDS = 0.2, 2.0
"""Who is far behind looks less often."""
FAR_SECONDS = 0.01
"""For each that is before it: of a thousand who looked every two seconds two processors would have nothing else to do.
"""
WAITED_SHARE = 0.1
"""Who has just come looks soon: of short runs there are many turns in a second."""


@dataclass(frozen=True)
class Entry:
    """A run that waits for its turn, or works. since, drawn: when it came, in ns, as the kernel says, and as it says
    itself; kind: cpu or gpu, with its number where it works."""

    since: int
    drawn: int
    path: str
    user: int
    works: bool
    kind: str

    @property
    def came(self) -> tuple[int, int, str]:
        """By what the order is."""
        return self.since, self.drawn, self.path

    @property
    def needs_gpu(self) -> bool:
        return self.kind.startswith("gpu")


@dataclass(frozen=True)
class Place:
    """Where a run stands that waits. of: how many wait; ahead: whose runs are before it, theirs in order; training:
    whose have the places now."""

    number: int
    of: int
    ahead: tuple[str, ...]
    training: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """E.g. `#3 of 5`."""
        return f"#{self.number} of {self.of}"

    @property
    def told(self) -> str:
        """E.g. `3rd of 5 on this machine, behind anna's 2; training now: your own`."""
        behind = f", behind {' and '.join(_whose(self.ahead))}" if self.ahead else ""
        now = f"; training now: {', '.join(_whose(self.training))}" if self.training else ""
        return f"{_ordinal(self.number)} of {self.of} on this machine{behind}{now}"


def _whose(runs: tuple[str, ...]) -> list[str]:
    """Say how many are whose, given each one's user: `anna's 2`, `your own`."""
    you = user_name()
    counts = {who: runs.count(who) for who in dict.fromkeys(runs)}
    names = {who: "your own" if who == you else f"{who}'s" for who in counts}
    return [f"{names[who]}{f' {many}' if many > 1 else ''}" for who, many in counts.items()]


def machine_folder() -> tuple[Path | None, str]:
    """Return where the queue of the machine is; or None, as each workspace has its own, and why, unless a person wished
    that."""
    chosen = os.environ.get(VARIABLE, "").strip()
    if chosen == OFF:
        return None, ""
    if chosen:
        wrong = _wrong_with(Path(chosen)) if Path(chosen).is_absolute() else "is no absolute path"
        return (None, f"{VARIABLE}: {chosen} {wrong}; each workspace has a queue of its own") if wrong else (
            Path(chosen), ""
        )  # fmt: skip
    # On some systems /tmp is a link, which its owner, the system, may make.
    found = next((place for place in map(Path.resolve, PLACES) if not _wrong_with(place)), None)
    return found, "" if found else f"{VARIABLE}: the machine has no folder for a queue; each workspace has its own"


def _wrong_with(folder: Path) -> str:
    """Say why a folder can't hold the queue; "" where it can."""
    try:
        mode = folder.lstat().st_mode
    except OSError:
        return "is not there"
    if not stat.S_ISDIR(mode):
        return "is not a folder"
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        return "lets everybody take away what is another's (its mode lacks the sticky bit)"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "can't be written"


def gpus() -> list[str]:
    """Return the numbers, or names, of the graphics cards that a run may compute on."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [one.strip() for one in chosen.split(",") if one.strip()]
    try:
        names = [path.name for path in Path("/dev").iterdir()]
    except OSError:
        return []
    return sorted((name[6:] for name in names if re.fullmatch("nvidia[0-9]{1,3}", name)), key=int)


def rest_seconds(before: int, waited: float) -> float:
    """Return how long one does not look that has so many before it, and has waited so long."""
    rest = min(REST_SECONDS, WAITED_SHARE * waited)
    return min(before * rest, max(LONGEST_REST_SECONDS, before * FAR_SECONDS))


class MachineQueue:
    """What the worker of a run, or who launches it, asks of the machine's queue. count: how many may work at once."""

    def __init__(self, root: Path, count: int, run: Path, needs_card: Callable[[Path], bool] | None = None) -> None:
        """needs_card: tells whether a run will compute on a graphics card where there is one; else its settings must
        name one."""
        self.root, self.count, self.run = root, count, run
        self._needs_card = needs_card or asks_for_card
        self._cards = gpus()
        self._held: int | None = None
        self._work: Path | None = None
        self._free_since: float | None = None
        self._came: float | None = None
        self._rests_until = 0.0

    # Coming, waiting, beginning

    def draw_ticket(self) -> str:
        """Put the run at the end; return its ticket, which its worker is to take within YOUNG_SECONDS."""
        self.forget()
        name = self._name("wait", self._kind())
        os.close(self._write(name))
        return name

    def forget(self) -> None:
        """Drop what the run's earlier worker left, and what is dead of our own."""
        for entry in entries(self.root):
            if entry.user == os.geteuid() and (_tells(entry, self.run) or (_is_old(entry) and not _locked(entry))):
                with suppress(OSError):
                    Path(entry.path).unlink()

    def keep(self, ticket: str) -> None:
        """Have a ticket count as long as this process lives, also while it only waits for the turn of another."""
        for path in self._places(ticket):
            self._hold(path)

    def begin(self, ticket: str) -> int | None:
        """Return the descriptor that says that the run works, when it is its turn; to be closed at its end."""
        if time.monotonic() < self._rests_until:
            return None
        with suppress(OSError):  # no room for a file, now
            return self._begin(ticket)
        return None

    def _begin(self, ticket: str) -> int | None:
        found = entries(self.root)
        own = next((one for one in found if one.user == os.geteuid() and one.path.endswith(f"/{ticket}")), None)
        if own is None or not self._hold(Path(own.path)):
            # Somebody took it away, or holds it in our place: at the end of the queue once more.
            self._let_go()
            self._held = self._write(ticket)
            return None
        ahead = [one for one in found if not one.works and one.came < own.came and one.needs_gpu == own.needs_gpu]
        now, full = time.monotonic(), self._full(own.kind, found)
        # To see who of a thousand still waits takes a while, and counts only where a place is free.
        before = len(ahead) if full else sum(map(_waits, ahead))
        self._came = now if self._came is None else self._came
        self._rests_until = now + rest_seconds(before, now - self._came)
        if full:
            self._free_since = None
            return None
        self._free_since = now if self._free_since is None else self._free_since
        if now - self._free_since < before * PATIENCE_SECONDS:
            return None
        return self._begun(own.kind, found)

    def take_if_any(self) -> int | None:
        """Say that the run works, whatever the queue is; None where that can't be written."""
        try:
            return self._working(self._kind(), entries(self.root))
        except OSError:
            return None

    def drop(self, ticket: str) -> None:
        """Leave the queue."""
        for path in self._places(ticket):
            with suppress(OSError):
                path.unlink()
        self._let_go()

    def leave(self) -> None:
        """Work no more: the descriptor is closed, and nothing is left of it."""
        if self._work is not None:
            with suppress(OSError):
                self._work.unlink()

    def _places(self, ticket: str) -> list[Path]:
        """Return where a ticket of ours may lie."""
        return [folder / ticket for folder, user in _folders(self.root) if user == os.geteuid()]

    def _hold(self, own: Path) -> bool:
        """Hold our ticket from here on; return whether we do."""
        if self._held is None:
            with suppress(OSError):
                descriptor = os.open(own, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
                self._held = descriptor if _shares(descriptor) else None
                if self._held is None:
                    os.close(descriptor)
        return self._held is not None

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _begun(self, kind: str, found: list[Entry]) -> int | None:
        descriptor = self._working(kind, found)
        working = [one for one in entries(self.root) if one.works and _locked(one)]
        # Two may have begun in the same moment: the first of them has.
        first = {one.path for one in working[: self.count]}
        on_cards = {one.path for one in [one for one in working if one.needs_gpu][: len(self._cards)]}
        own = str(self._work)
        if own in first and (not kind.startswith("gpu") or own in on_cards):
            return descriptor
        self.leave()
        os.close(descriptor)
        self._free_since = None
        return None

    def _working(self, kind: str, found: list[Entry]) -> int:
        name = self._name("work", self._card(found) if kind.startswith("gpu") else kind)
        descriptor = self._write(name)
        self._work = self._own() / name
        return descriptor

    def _card(self, found: list[Entry]) -> str:
        """Choose a card that nobody works on, or else the first, and show no other to this process."""
        taken = {one.kind for one in found if one.works and one.needs_gpu and _locked(one)}
        place = next((place for place in range(len(self._cards)) if f"gpu{place}" not in taken), 0)
        os.environ["CUDA_VISIBLE_DEVICES"] = self._cards[place]
        return f"gpu{place}"

    def _full(self, kind: str, found: list[Entry]) -> bool:
        working = [one for one in found if one.works and _locked(one)]
        cards = kind.startswith("gpu") and sum(one.needs_gpu for one in working) >= len(self._cards)
        return len(working) >= self.count or cards

    def _kind(self) -> str:
        """Whether the run needs a graphics card, where there is any."""
        return "gpu" if self._cards and self._needs_card(self.run) else "cpu"

    @staticmethod
    def _name(state: str, kind: str) -> str:
        return f"{state}-{kind}-{time.time_ns():020d}-{os.getpid()}"

    def _write(self, name: str) -> int:
        """Make one of our files, locked before anybody sees it; return the descriptor that holds the lock."""
        own = self._own()
        building = own / f".{name}"
        descriptor = os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            os.fchmod(descriptor, 0o644)
            os.write(descriptor, json.dumps({"run": self.run.name, "workspace": str(self.run.parent)}).encode())
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            building.rename(own / name)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                building.unlink()
            raise
        return descriptor

    def _own(self) -> Path:
        """Return our folder; one is made where there is none."""
        for folder, user in _folders(self.root):
            if user == os.geteuid():
                return folder
        while True:
            folder = self.root / f"{FOLDER}{secrets.token_hex(4)}"
            with suppress(FileExistsError):
                folder.mkdir(0o755)
                folder.chmod(0o755)
                return folder


def asks_for_card(run: Path) -> bool:
    """Tell whether a run's settings name a graphics card."""
    with suppress(OSError, ValueError, AttributeError, TypeError, LookupError):
        return bool(read_json(run / "run.json", LARGEST_JSON)["config"]["train"]["device"] == "cuda")
    return False


def entries(root: Path) -> list[Entry]:
    """Return all that is written of runs, of everybody, the first come first: not all of it counts."""
    made = [entry for folder, user in _folders(root) for entry in _in_folder(folder, user)]
    return sorted(made, key=lambda entry: entry.came)


class Places:
    """Where runs stand in the machine's queue, looked up at this moment."""

    def __init__(self) -> None:
        root, _ = machine_folder()
        self._found: dict[tuple[str, str], Place] = {}
        found = entries(root) if root is not None else []
        waiting = [one for one in found if not one.works and _waits(one)]
        for gpu in (False, True) if waiting else ():
            alike = [entry for entry in waiting if entry.needs_gpu == gpu]
            users = [user_name(entry.user) for entry in alike]
            training = tuple(user_name(one.user) for one in found if one.works and one.needs_gpu == gpu)
            for before, entry in enumerate(alike):
                if (run := _run_of(entry)) is not None:
                    self._found[run] = Place(before + 1, len(alike), tuple(users[:before]), training)

    def of(self, run: Path) -> Place | None:
        """Return where a run stands; None where it does not wait there."""
        return self._found.get((os.path.realpath(run.parent), run.name)) if self._found else None


def _folders(root: Path) -> list[tuple[Path, int]]:
    """Return the users' folders, each with whose it is: of those that nobody else may write."""
    found, number = list[tuple[Path, int]](), dict[int, int]()
    try:
        with os.scandir(root) as listed:
            names = sorted(one.name for one in listed if FOLDER_NAME.fullmatch(one.name))
    except OSError:
        return []
    for name in names:
        with suppress(OSError):
            facts = (root / name).lstat()
            if stat.S_ISDIR(facts.st_mode) and not facts.st_mode & 0o022:
                number[facts.st_uid] = number.get(facts.st_uid, 0) + 1
                if number[facts.st_uid] <= MOST_FOLDERS:
                    found.append((root / name, facts.st_uid))
    return found


def _in_folder(folder: Path, user: int) -> list[Entry]:
    found = list[Entry]()
    with suppress(OSError), os.scandir(folder) as listed:
        for one in listed:
            name = ENTRY_NAME.fullmatch(one.name)
            if name is None or len(found) >= MOST_ENTRIES:
                continue
            with suppress(OSError):
                facts = one.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode) and facts.st_uid == user:
                    found.append(Entry(facts.st_ctime_ns, int(name[3]), one.path, user, name[1] == "work", name[2]))
    return found


def _shares(descriptor: int) -> bool:
    """Take a lock that one may share; return whether we have it: who only looks is gone in a moment."""
    for _ in range(100):
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
        time.sleep(0.002)
    return False


def _locked(entry: Entry) -> bool:
    """Tell whether a worker holds an entry."""
    try:
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A holder's lock is shared, too, so that who looks this moment keeps nobody from taking it.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_old(entry: Entry) -> bool:
    return abs(time.time() - entry.since / 1e9) > YOUNG_SECONDS


def _waits(entry: Entry) -> bool:
    """Tell whether a ticket counts."""
    return _locked(entry) or not _is_old(entry)


def _run_of(entry: Entry) -> tuple[str, str] | None:
    """Return the workspace and the run of an entry, if it tells them."""
    try:
        said = read_json(Path(entry.path), LONGEST_ENTRY)
        return os.path.realpath(str(said["workspace"])), str(said["run"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _tells(entry: Entry, run: Path) -> bool:
    return _run_of(entry) == (os.path.realpath(run.parent), run.name)


def _ordinal(number: int) -> str:
    tens, ones = number % 100 // 10, number % 10
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"

"""Tasks and models of the user's own: Python files and installed packages that register them. No torch here.

Loaded, in this order: the files and folders that SEQSUM_PLUGINS lists (separated as in PATH), the `*.py` files of
`plugins` in the user's configuration folder, and the entry points of the group `seqsum.plugins`.
A plug-in that does not work is left out, with a message in `problems()`; it never breaks what works without it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from inspect import isabstract
from pathlib import Path

import platformdirs

from seqsum.errors import PluginError, UserError, place_in
from seqsum.text import one_line

VARIABLE = "SEQSUM_PLUGINS"
GROUP = "seqsum.plugins"

_lock = threading.RLock()
_done = threading.Event()
_problems: list[str] = []
_broken: set[str] = set()
"""The files and entry points of which `_problems` tells that they do not work."""
_sources: dict[tuple[str, str], str] = {}
"""("task" or "model", name) → the file or entry point it came from."""
_code: dict[str, dict[str, bytes]] = {}
"""The file or entry point → its files and their code, as it was loaded."""
_modules: dict[str, str] = {}
"""An entry point → the module it names."""
LONGEST_REASON = 400
PYDANTIC_MORE = "For further information visit"
"""What is behind it helps nobody who reads one sentence."""
MOST_FILES, MOST_CODE = 200, 4 * 2**20
"""Of a package's code that is told from another: how many files, and how many bytes."""


def user_folder() -> Path:
    """Return the user's configuration folder: `plugins` and `presets` lie in it."""
    return platformdirs.user_config_path("seqsum")


def load() -> None:
    """Load every plug-in, once; later calls return at once. Never raises."""
    with _lock:
        if _done.is_set():
            return
        _done.set()
        for path in _files():
            _try(str(path), lambda path=path: _run_file(path))  # type: ignore[misc]
        try:
            points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
        except Exception as error:
            _problems.append(f"plug-ins: can't list installed ones: {one_line(str(error))}")
            points = []
        for point in points:
            _try(f"{GROUP}:{point.name}", lambda point=point: _run_entry(point))  # type: ignore[misc]


def problems() -> list[str]:
    """Return one sentence for each plug-in that was left out."""
    load()
    return list(_problems)


def any_added() -> bool:
    """Tell whether a plug-in has added a task or a model."""
    return bool(_sources)


def is_added(kind: str, name: str) -> bool:
    """Tell whether a plug-in added this "task" or "model"."""
    return (kind, name) in _sources


def added_tasks() -> list[str]:
    """Return the names of the tasks that plug-ins added."""
    return [name for kind, name in _sources if kind == "task"]


def sources_of(task: str, model: str) -> list[str]:
    """Return which plug-ins a task and a model come from; nothing for our own."""
    return sorted({_sources[key] for key in (("task", task), ("model", model)) if key in _sources})


def file_of(source: str) -> Path | None:
    """Return where the code of a plug-in lies: its file, or the first one of its package; None where it is not
    loaded."""
    if not source.startswith(f"{GROUP}:"):
        return Path(source) if source in _sources.values() else None
    module = sys.modules.get(_modules.get(source, ""))
    return Path(module.__file__) if module is not None and module.__file__ else None


def code_of(source: str) -> dict[str, bytes]:
    """Return the code of a plug-in that is loaded, file name → what stands in it; of a package all its files."""
    if source not in _code and source in _sources.values():
        _code[source] = _package_code(source)
    return _code.get(source, {})


def hash_of(source: str) -> str | None:
    """Return the SHA-256 of a plug-in's code as it is loaded here; None where it is not."""
    code = code_of(source)
    made = sha256()
    for name, text in sorted(code.items()):
        made.update(f"{name} {len(text)}\n".encode() + text)
    return made.hexdigest() if code else None


def hashes_of(task: str, model: str) -> dict[str, str]:
    """Return the plug-ins that a task and a model come from, each with the hash of its code."""
    found = ((source, hash_of(source)) for source in sources_of(task, model))
    return {source: hash for source, hash in found if hash is not None}


def _package_code(source: str) -> dict[str, bytes]:
    name = _modules.get(source, "").partition(".")[0]
    module, found, size = sys.modules.get(name), dict[str, bytes](), 0
    folders = [Path(place) for place in getattr(module, "__path__", ())]
    files = [(folder, path) for folder in folders for path in sorted(folder.rglob("*.py"))]
    if not files and module is not None and module.__file__:
        files = [(Path(module.__file__).parent, Path(module.__file__))]
    for folder, path in files[:MOST_FILES]:
        with contextlib.suppress(OSError):
            code = path.read_bytes()
            size += len(code)
            if size > MOST_CODE:
                break
            found[path.relative_to(folder).as_posix()] = code
    return found


def blamed(error: BaseException) -> str | None:
    """Return a sentence that says where in a plug-in's code an error was raised, file, line and function; None where no
    plug-in's had a part in it, and for what a plug-in itself says to a person."""
    if isinstance(error, UserError) or not _sources:
        return None
    last, trace = None, error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if _is_plugins(code.co_filename):
            last = place_in(code, trace.tb_lineno)
        trace = trace.tb_next
    said = one_line(" ".join(str(error).split()))[:LONGEST_REASON]
    return last and one_line(f"{last}: {type(error).__name__}{f': {said}' if said else ''}")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what a plug-in's code raises inside into a PluginError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        where = blamed(error)
        if where is None:
            raise
        raise PluginError(where) from None


def _is_plugins(file: str) -> bool:
    """Tell whether a file is a plug-in's, or lies in a plug-in's package."""
    for source in set(_sources.values()):
        if source == file:
            return True
        module = sys.modules.get(_modules.get(source, "").partition(".")[0]) if source in _modules else None
        if module is not None and module.__file__:
            package = Path(module.__file__)
            if file == str(package) or (package.name == "__init__.py" and Path(file).is_relative_to(package.parent)):
                return True
    return False


def missing(sources: list[str]) -> str:
    """Say which of a run's plug-ins are not loaded here, and how to get them back; "" where none is missing."""
    gone = [source for source in sources if source not in _sources.values()]
    broken = [one_line(source) for source in gone if source in _broken]
    if broken:
        return f"it comes from the plug-in {', '.join(broken)}, which does not work here; put it right first"
    files = [source for source in gone if not source.startswith(f"{GROUP}:")]
    if files:
        off = [file for file in files if not Path(file).is_file()]
        name = f"set {VARIABLE}={os.pathsep.join(files)}"
        if not off:
            return f"it comes from a plug-in that is not loaded: {name}"
        found_there = all(Path(file).parent == user_folder() / "plugins" for file in files)
        lies = f"it comes from a plug-in whose file {', '.join(map(one_line, off))} is gone"
        kept = ", ".join(f"source/{one_line(Path(file).stem)}-….py.txt" for file in off)
        back = f"copy it back from {kept} in the run's folder"
        return f"{lies}: {back}{'' if found_there else f', and {name}'}"
    names = ", ".join(source.partition(":")[2] for source in gone)
    return f"it comes from the installed plug-in {names}, which is not here" if gone else ""


def _files() -> Iterator[Path]:
    """Yield the files to load, each once; what SEQSUM_PLUGINS names must be there, the user's folder need not."""
    found: dict[Path, None] = {}
    for word in os.environ.get(VARIABLE, "").split(os.pathsep):
        path = Path(word).expanduser()
        if word.strip() and path.is_dir():
            found.update(dict.fromkeys(sorted(path.resolve().glob("*.py"))))
        elif word.strip() and path.is_file():
            found[path.resolve()] = None
        elif word.strip():
            _problems.append(f"plug-in {one_line(word)}: there is no such file or folder ({VARIABLE})")
    with contextlib.suppress(OSError, RuntimeError):
        found.update(dict.fromkeys(sorted((user_folder() / "plugins").resolve().glob("*.py"))))
    yield from (path for path in found if not path.name.startswith("_"))


def _run_file(path: Path) -> None:
    # Two files of one name in different folders must not take each other's place.
    name = f"seqsum_plugin_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    spec = spec_from_file_location(name, path, loader=SourceFileLoader(name, str(path)))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    with contextlib.suppress(OSError):
        _code[str(path)] = {path.name: path.read_bytes()}
    sys.modules[name] = module  # pydantic and dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _run_entry(point: EntryPoint) -> None:
    """An entry point names a module that registers when imported, or a function that does so when called."""
    _modules[f"{GROUP}:{point.name}"] = point.module
    found = point.load()
    if callable(found):
        found()


def _try(source: str, run: Callable[[], object]) -> None:
    """Run a plug-in; take back what it registered if it does not work."""
    # Ours first: what is there now is what a broken plug-in leaves. Not above: most people have no plug-ins, and ours
    # take longer to import than many a command takes.
    import_module("seqsum.config")
    from seqsum.registry import MODELS, PRESET_FOLDERS, TASKS

    tasks, models, folders = dict(TASKS), dict(MODELS), list(PRESET_FOLDERS)
    had_torch = "torch" in sys.modules
    try:
        # Standard output belongs to JSON Lines and to the console's screen.
        with contextlib.redirect_stdout(sys.stderr):
            run()
        _check(tasks.keys(), models.keys())
    except KeyboardInterrupt:
        raise
    # A plug-in that calls sys.exit raises no Exception.
    except BaseException as error:
        for registry, before in ((TASKS, tasks), (MODELS, models)):
            registry.clear()
            registry.update(before)  # type: ignore[arg-type]
        PRESET_FOLDERS[:] = folders
        _broken.add(source)
        said = " ".join(str(error).partition(PYDANTIC_MORE)[0].split())
        what = said if isinstance(error, UserError) else f"{type(error).__name__}: {said}"
        _problems.append(f"plug-in {source}: left out: {one_line(what)[:LONGEST_REASON]}{_line_of(error, source)}")
        return
    _sources.update({("task", name): source for name in TASKS if name not in tasks})
    _sources.update({("model", name): source for name in MODELS if name not in models})
    if "torch" in sys.modules and not had_torch:
        _problems.append(
            f"plug-in {source}: imports torch at its top, which costs seconds at every start; import it inside build()"
        )


def _check(tasks: object, models: object) -> None:
    """Raise UserError when something that was registered can't work."""
    from seqsum.registry import MODELS, TASKS

    for name, task in TASKS.items():
        if name not in tasks:  # type: ignore[operator]
            if isabstract(task):
                raise UserError(f'task "{name}" lacks {", ".join(sorted(task.__abstractmethods__))}')
            for attribute in ("title", "answer"):
                if not hasattr(task, attribute):
                    raise UserError(f'task "{name}" lacks "{attribute}"')
            if task.answer not in ("class", "tags", "sequence", "values"):
                raise UserError(f'task "{name}": answer must be class, tags, sequence or values, got "{task.answer}"')
            task.config_type.model_validate({})
    for name, entry in MODELS.items():
        if name not in models:  # type: ignore[operator]
            entry.config_type.model_validate({})


def _line_of(error: BaseException, source: str) -> str:
    """Say at which line of the plug-in's own file it went wrong."""
    if isinstance(error, SyntaxError):
        return ""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == source:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""

"""The source of some of our definitions with all that they need, as one module of plain PyTorch.

What a model leaves with is made of the very source that it was trained by, so that there is one truth.
"""

from __future__ import annotations

import ast
import dis
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType

from seqsum.errors import UserError

BESIDE = ("torch", "safetensors")
"""What whoever gets a model needs, beside Python."""
OURS = "seqsum"
LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
HEAD = "from __future__ import annotations\n"

Place = tuple[str, str]
"""A module, and a name in it."""


def gathered(wanted: Iterable[Place]) -> str:
    """Return a module of what stands at these places, with all that it needs, and nothing else of ours.

    Raises UserError where something needs more than PyTorch, or can't be found as source.
    """
    found = _Gathered()
    for place in wanted:
        found.take(place)
    return found.module()


@dataclass
class _Gathered:
    parts: list[str] = field(default_factory=list)
    imports: dict[str, None] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    """Each name, and the module that it is of."""
    types: set[str] = field(default_factory=set)
    """Names that stand in annotations alone."""

    def module(self) -> str:
        kinds = sorted(self.types - self.taken.keys())
        if kinds:
            self.imports |= dict.fromkeys(("from typing import TYPE_CHECKING", "from typing import Any"))
        lines = [HEAD, *_in_order(self.imports)]
        if kinds:
            lines += ["", "if TYPE_CHECKING:", *(f"    {name} = Any" for name in kinds)]
        return "\n".join(lines) + "".join(f"\n\n\n{part}" for part in self.parts) + "\n"

    def take(self, place: Place) -> None:
        """Add what stands there, after what it needs."""
        module, name = place
        source = _read(module)
        statement = source.bound.get(name)
        if statement is None:
            raise UserError(f"{module} has no {name} at its top")
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._take_import(source, statement, name)
            return
        if name in self.taken:
            if self.taken[name] != module:
                raise UserError(f"two things it is made of are called {name}, in {self.taken[name]} and in {module}")
            return
        self.taken.update(dict.fromkeys(_names_bound(statement), module))
        text = self._without_our_imports(source, statement)
        for needed in _needed(statement):
            if needed in source.bound:
                self.take((module, needed))
        for kind in _annotated(statement):
            self._type(source, kind)
        self.parts.append(text)

    def _take_import(self, source: _Source, statement: ast.Import | ast.ImportFrom, name: str) -> None:
        alias = next(one for one in statement.names if (one.asname or one.name.partition(".")[0]) == name)
        if isinstance(statement, ast.ImportFrom) and _is_ours(statement.module or "", source.name):
            self.take((statement.module or "", alias.name))
            if alias.asname is not None and alias.asname not in self.taken:
                self.taken[alias.asname] = source.name
                self.parts.append(f"{alias.asname} = {alias.name}")
            return
        _check_outside(statement, source.name)
        self.imports[_import_line(statement, alias)] = None

    def _type(self, source: _Source, name: str) -> None:
        """Have an annotation's name mean something: its import, or that it may be anything."""
        statement = source.bound.get(name) or source.typing.get(name)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            alias = next(one for one in statement.names if (one.asname or one.name.partition(".")[0]) == name)
            top = (statement.module or "" if isinstance(statement, ast.ImportFrom) else alias.name).partition(".")[0]
            if top in BESIDE or top in sys.stdlib_module_names:
                self.imports[_import_line(statement, alias)] = None
                return
        if statement is not None:
            self.types.add(name)

    def _without_our_imports(self, source: _Source, statement: ast.stmt) -> str:
        """Return a statement's text; what it imports of ours inside is taken, too, and stands beside it instead."""
        lines = source.lines[:]
        for inner in ast.walk(statement):
            if not isinstance(inner, ast.Import | ast.ImportFrom):
                continue
            if not (isinstance(inner, ast.ImportFrom) and _is_ours(inner.module or "", source.name)):
                _check_outside(inner, source.name)
                continue
            for alias in inner.names:
                if alias.asname is not None:
                    raise UserError(f"{source.name} imports {alias.name} of {inner.module} under another name")
                self.take((inner.module or "", alias.name))
            indent = lines[inner.lineno - 1][: inner.col_offset]
            lines[inner.lineno - 1 : inner.end_lineno] = [
                f"{indent}pass",
                *[""] * ((inner.end_lineno or inner.lineno) - inner.lineno),
            ]
        first, last = _lines_of(source, statement)
        return textwrap.dedent("\n".join(lines[first:last])).rstrip()


@dataclass(frozen=True)
class _Source:
    """bound: what binds each name at the top; typing: the same, under `if TYPE_CHECKING`."""

    name: str
    lines: list[str]
    statements: list[ast.stmt]
    bound: dict[str, ast.stmt]
    typing: dict[str, ast.stmt]


@lru_cache(maxsize=256)
def _read(module: str) -> _Source:
    try:
        __import__(module)
        text = sys.modules[module].__loader__.get_source(module)  # type: ignore[union-attr]
        tree = ast.parse(text)
    except (ImportError, AttributeError, TypeError, SyntaxError, ValueError):
        raise UserError(f"the source of {module} is not to be had") from None
    bound, typing = dict[str, ast.stmt](), dict[str, ast.stmt]()
    for statement in tree.body:
        bound.update(dict.fromkeys(_names_bound(statement), statement))
        if isinstance(statement, ast.If):
            typing.update({name: inner for inner in statement.body for name in _names_bound(inner)})
    return _Source(module, text.splitlines(), tree.body, bound, typing)


def _names_bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))


def _needed(statement: ast.stmt) -> list[str]:
    """The names that running a statement, and what it defines, looks up: those of annotations are none."""
    # Compiled with annotations as texts, so that they look up nothing.
    flags = __import__("__future__").annotations.compiler_flag
    code = compile(ast.Module([statement], []), "<gathered>", "exec", flags, dont_inherit=True)
    return list(dict.fromkeys(_looked_up(code)))


def _looked_up(code: CodeType) -> Iterator[str]:
    yield from (step.argval for step in dis.get_instructions(code) if step.opname in LOADS)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _looked_up(inner)


def _annotated(statement: ast.stmt) -> set[str]:
    """The names in a statement's annotations."""
    annotations = list[ast.expr | None]()
    for node in ast.walk(statement):
        if isinstance(node, ast.arg | ast.AnnAssign):
            annotations.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            annotations.append(node.returns)
    return {
        node.id
        for annotation in annotations
        if annotation is not None
        for node in ast.walk(annotation)
        if isinstance(node, ast.Name)
    }


def _lines_of(source: _Source, statement: ast.stmt) -> tuple[int, int]:
    """Where a statement's lines begin and end, with its decorators, and with the text that says what a value is."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(one.lineno for one in decorators)]) - 1
    while first and source.lines[first - 1].startswith("#"):
        first -= 1
    after = source.statements[source.statements.index(statement) + 1 :][:1]
    if isinstance(statement, ast.Assign | ast.AnnAssign) and after and isinstance(after[0], ast.Expr):
        statement = after[0]
    return first, statement.end_lineno or statement.lineno


def _is_ours(module: str, within: str) -> bool:
    """Whether a module's source is taken along: ours is, and a plug-in's own."""
    top = module.partition(".")[0]
    return top == OURS or (top == within.partition(".")[0] and bool(top))


def _check_outside(statement: ast.Import | ast.ImportFrom, within: str) -> None:
    """Raise UserError where an import needs more than PyTorch."""
    alone = [one.name for one in statement.names]
    for name in [statement.module or "."] if isinstance(statement, ast.ImportFrom) else alone:
        top = name.partition(".")[0]
        if top not in BESIDE and top not in sys.stdlib_module_names:
            raise UserError(f"{within} needs {name}, and whoever gets the model may have PyTorch alone")


def _import_line(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    named = f" as {alias.asname}" if alias.asname else ""
    if isinstance(statement, ast.ImportFrom):
        return f"from {statement.module} import {alias.name}{named}"
    return f"import {alias.name}{named}"


def _in_order(imports: Iterable[str]) -> Iterator[str]:
    """Yield imports, Python's own first, those of one module together."""
    together = dict[str, list[str]]()
    for line in imports:
        head, _, name = line.partition(" import ") if line.startswith("from") else (line, "", "")
        together.setdefault(head, []).append(name)
    beside = {head: head.split()[1].partition(".")[0] in BESIDE for head in together}
    for head in sorted(together, key=lambda head: (beside[head], head.startswith("from"), head)):
        names = ", ".join(sorted(together[head]))
        yield f"{head} import {names}" if names else head

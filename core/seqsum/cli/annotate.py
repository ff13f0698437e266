"""`seqsum rename | tag | note | star | delete | restore | bin`: what a person says of runs, and the bin."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from seqsum.cli.many import agree, chosen, each
from seqsum.cli.output import say, say_columns, say_json, tell
from seqsum.errors import UserError
from seqsum.formatting import count, size
from seqsum.runs import Run, Workspace, bin
from seqsum.runs.annotations import Annotations, annotate, check_typed_name
from seqsum.runs.disk import size_on_disk
from seqsum.text import one_line
from seqsum.users import user_name

Options = argparse.Namespace


def rename(options: Options) -> int:
    run = _run(options)
    before = run.name
    annotate(run.folder, name=check_typed_name(options.name))
    alike = sum(other.name == run.name for other in Workspace(options.workspace).summaries())
    by_id = f"; {alike} runs are called so, commands know them by id" if alike > 1 else ""
    return _said(options, run, f"called {run.name} from now on, {before} before{by_id}")


def tag(options: Options) -> int:
    """Tag runs, or take tags away. With a filter every word is a tag."""
    words = options.tags if options.filter is None else [options.run, *options.tags]
    if not words:
        raise UserError("tag: TAG is missing; see seqsum tag --help")
    runs = chosen(options, "tag", [options.run] if options.filter is None else [])
    return each(runs, lambda run: _tag(options, run, words))


def _tag(options: Options, run: Run, words: Sequence[str]) -> int:
    def tags() -> list[str]:
        has = run.outline().tags
        absent = [one for one in words if one not in has] if options.remove else []
        if absent:
            there = f"; it has {', '.join(has)}" if has else "; it has none"
            raise UserError(f'tag: {run.name} has no tag "{one_line(absent[0])}"{one_line(there)}')
        return [one for one in has if one not in words] if options.remove else [*has, *words]

    found = annotate(run.folder, tags=tags)
    return _said(options, run, f"tags: {', '.join(found.tags or ()) or 'none'}")


def note(options: Options) -> int:
    run = _run(options)
    found = annotate(run.folder, note=options.text)
    return _said(options, run, "note written" if found.note else "no note")


def star(options: Options) -> int:
    run = _run(options)
    annotate(run.folder, starred=not options.off)
    return _said(options, run, "no star" if options.off else "starred")


def delete(options: Options) -> int:
    return each(chosen(options, "delete", options.runs), lambda run: _delete(options, run))


def _delete(options: Options, run: Run) -> int:
    name = run.name
    bin.delete(run)
    return _said(options, run, "in the bin; seqsum restore brings it back", name)


def restore(options: Options) -> int:
    workspace, hint = Workspace(options.workspace), "; seqsum bin lists the deleted runs"
    found = chosen(options, "restore", options.runs, workspace.bin, hint)
    return each(found, lambda run: _said(options, bin.restore(workspace.folder, run.id), "back from the bin"))


def empty_bin(options: Options) -> int:
    workspace = Workspace(options.workspace)
    if options.empty:
        there = bin.contents(workspace.folder)
        freed = sum(size_on_disk(workspace.bin.folder / id) for id in there)
        if there:
            agree(options, "bin", f"delete {count(len(there), 'run')} for good, and free {size(freed)}")
        deleted = bin.empty(workspace.folder)
        if options.json:
            say_json({"deleted": deleted, "size": freed})
        else:
            say(f"{count(deleted, 'run')} deleted for good, {size(freed)}")
        return 0
    binned = [Run(workspace.bin.folder / id) for id in bin.contents(workspace.folder)]
    sizes = [size_on_disk(run.folder) for run in binned]
    if options.json:
        for run, taken in zip(binned, sizes, strict=True):
            say_json({"run": run.id, "name": run.name, "deleted_by": bin.deleted_by(run), "size": taken})
        return 0
    if not binned:
        say(f"the bin of {workspace.folder} is empty")
        return 0
    by = [bin.deleted_by(run) for run in binned]
    told = [f"deleted by {who}" if who not in ("", user_name()) else "" for who in by]
    say_columns([(run.id, run.name, size(taken), who) for run, taken, who in zip(binned, sizes, told, strict=True)])
    say(f"{size(sum(sizes))} in all; seqsum bin --empty deletes for good")
    return 0


def _run(options: Options) -> Run:
    return Workspace(options.workspace).find(options.run)


def _said(options: Options, run: Run, message: str, name: str | None = None) -> int:
    said = Annotations.read(run.folder).plain()
    return tell(options, run, message, ok=True, message=message, name=name or run.name, annotations=said)

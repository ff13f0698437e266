"""What is installed is pinned: by version in constraints.txt, and all but PyTorch by hash."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pins import FILES, LEFT_OUT, ROOT, name_of, pins

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HASHED = {pin: block for name in FILES for pin, block in pins((ROOT / name).read_text()).items()}
VERSIONS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]
BENCH = {"jax", "jaxlib", "opt-einsum"}


def test_each_package_has_one_version_and_hashes_of_its_files() -> None:
    assert len(HASHED) > 80
    for pin, block in HASHED.items():
        assert Requirement(pin).specifier, pin
        hashes = re.findall(r"--hash=(\S+)", block)
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), pin


@pytest.mark.parametrize("python", ["3.11.9", "3.12.1", "3.13.0", "3.14.0"])
def test_hashes_and_constraints_name_the_same_versions(python: str) -> None:
    there = {"python_full_version": python, "python_version": python.rpartition(".")[0]}

    def holding(all_of: list[Requirement]) -> dict[str, str]:
        here = [one for one in all_of if one.marker is None or one.marker.evaluate(there)]
        versions = {(canonicalize_name(one.name), str(one.specifier)) for one in here}
        assert len({name for name, _ in versions}) == len(versions)
        return {canonicalize_name(one.name): str(one.specifier) for one in here}

    hashed, pinned = holding([Requirement(pin) for pin in HASHED]), holding(VERSIONS)
    assert {name: pinned.get(name) for name in hashed} == hashed
    assert pinned.keys() - hashed.keys() == BENCH | {"torch"}


def test_whatever_the_project_asks_for_is_there_with_what_that_asks_for() -> None:
    """Followed from package to package, as installed here."""
    extras = PROJECT["optional-dependencies"]
    installed = (text for extra in FILES["requirements-test.txt"] for text in extras[extra])
    asked = [*PROJECT["dependencies"], *installed]
    to_see, seen = [Requirement(text) for text in asked], set[str]()
    names = {name_of(pin) for pin in HASHED}
    while to_see:
        one = to_see.pop()
        name = canonicalize_name(one.name)
        if name in seen or (one.marker and not one.marker.evaluate({"extra": ""})) or LEFT_OUT.fullmatch(name):
            continue
        seen.add(name)
        assert name in names, f"{name} is installed without a hash"
        to_see += map(Requirement, metadata.requires(name) or ())
    assert len(seen) > 60

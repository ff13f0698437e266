"""While a process imports what it needs, no time goes into looking for garbage."""

from __future__ import annotations

import gc

import pytest

from seqsum.imports import without_collection


@pytest.mark.parametrize("collected", [True, False])
def test_garbage_is_looked_for_again_afterwards_if_it_was_before(collected: bool) -> None:
    before = gc.isenabled()
    (gc.enable if collected else gc.disable)()
    try:
        with pytest.raises(ImportError), without_collection():
            assert not gc.isenabled()
            raise ImportError("a library that is not there")
        assert gc.isenabled() == collected
    finally:
        (gc.enable if before else gc.disable)()


def test_what_was_imported_is_looked_through_no_more() -> None:
    with without_collection():
        made = [[number] for number in range(1000)]
    assert gc.get_freeze_count() > len(made)
    assert not any(found is made for found in gc.get_objects())

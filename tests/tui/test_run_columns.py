"""The columns of the list: which fit, in which order they go."""

from seqsum_tui.widgets.run_columns import COLUMNS, arrange

WIDTHS = range(36, 260)


def test_columns_never_take_more_than_there_is():
    for width in WIDTHS:
        places = arrange(width)
        assert sum(place.gap + place.width for place in places) <= width
        assert all(place.width >= place.column.width for place in places)


def test_what_matters_less_goes_first():
    for width in WIDTHS:
        ranks = {place.column.rank for place in arrange(width)}
        gone = {column.rank for column in COLUMNS} - ranks
        assert not gone or max(ranks) < min(gone)


def test_the_usual_sizes():
    def keys(width):
        return [place.column.key for place in arrange(width - 2)]

    assert keys(60) == ["status", "name", "progress", "loss", "accuracy", "age"]
    assert keys(80) == ["status", "name", "progress", "loss", "accuracy", "left", "age"]
    assert keys(120) == [column.key for column in COLUMNS]

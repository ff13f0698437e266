"""The columns of the list: which fit, in which order they go."""

from seqsum_tui.runs.columns import COLUMNS, arrange, sorted_column

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
        return [place.column.key for place in arrange(width - 4)]

    first = ["status", "name", "progress", "loss", "accuracy"]
    assert keys(60) == [*first, "age"]
    assert keys(80) == ["status", "name", "verdict", "progress", "loss", "accuracy", "age"]
    figures = ["loss", "loss curve", "accuracy", "accuracy curve", "left", "age"]
    assert keys(120) == ["status", "name", "verdict", "progress", *figures]
    assert keys(240) == [column.key for column in COLUMNS]


def test_a_sorted_column_keeps_its_title_and_what_it_is_sorted_by_has_one():
    for column in COLUMNS:
        heading = column.heading(column.width, "↓")
        assert len(heading) == column.width and ("↓" in heading)
    extra = sorted_column("optim.lr", lambda line: "0.01")
    for width in (56, 76, 116):
        places = arrange(width, extra)
        assert sum(place.gap + place.width for place in places) <= width
    assert "optim.lr" in [place.column.key for place in places] and extra.title == "lr"

"""The roll-up of points, as the server itself keeps it up: what `rollup.py` does in SQLite, in its words."""

from __future__ import annotations

from seqsum.runs.rollup import COLUMNS, FAN_OUT, LARGEST

MOST = f"'{LARGEST!r}'::float8"
SAFE = "1e300::float8"
"""The server refuses a sum that overflows, where SQLite says infinity: who reads means of such takes the middle."""
FINITE = f"FILTER (WHERE abs(value) <= {MOST})"
POSITIVE = f"FILTER (WHERE value > 0 AND value <= {MOST})"


def _sum(value: str, kept: str = "true") -> str:
    return (
        f"CASE WHEN max(abs({value})) FILTER (WHERE {kept}) > {SAFE} THEN 'Infinity' "
        f"ELSE sum({value} ORDER BY place) FILTER (WHERE {kept} AND abs({value}) <= {SAFE}) END"
    )


OF_POINTS = f"""
    min(step), max(step), min(value) {FINITE}, max(value) {FINITE}, {_sum("value", f"abs(value) <= {MOST}")},
    count(*) {FINITE}, count(*) FILTER (WHERE value IS NULL OR abs(value) > {MOST}),
    count(*) FILTER (WHERE value > {MOST}), count(*) FILTER (WHERE value < -{MOST}),
    count(*) {POSITIVE}, min(value) {POSITIVE}, {_sum("value", f"value > 0 AND value <= {MOST}")}
"""
OF_LEVEL = f"""
    min(first), max(last), min(low), max(high), {_sum("total")},
    sum(finite)::int8, sum(nonfinite)::int8, sum(above)::int8, sum(below)::int8,
    CASE WHEN count(positive) = count(*) THEN sum(positive)::int8 END, min(positive_low), {_sum("positive_total")}
"""
INTO = f"INSERT INTO seqsum.rollup(run, metric, level, bucket, {', '.join(COLUMNS)})"
REPLACE = "ON CONFLICT (run, metric, level, bucket) DO UPDATE SET " + ", ".join(
    f"{column} = excluded.{column}" for column in COLUMNS
)
LAST = "SELECT max(step) FROM seqsum.pt WHERE run = of_run AND metric = of_metric"
FUNCTIONS = (
    f"""
CREATE FUNCTION seqsum.roll_up(of_run int8, of_metric int8, base int8, first_step int8) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    last_step int8 := coalesce(({LAST}), 0);
    highest int8 := coalesce((SELECT max(level) FROM seqsum.rollup WHERE run = of_run AND metric = of_metric), 0);
    made int8 := 1;
    size int8 := base * {FAN_OUT};
    begins int8;
BEGIN
    LOOP
        -- A level that was not there yet holds all that came before, too: one point may lie far behind the next.
        begins := CASE WHEN made <= highest THEN first_step / size ELSE 0 END;
        IF made = 1 THEN
            {INTO}
            SELECT of_run, of_metric, 1, place / size, {OF_POINTS}
            FROM (SELECT step, value, step AS place FROM seqsum.pt
                WHERE run = of_run AND metric = of_metric AND step >= begins * size) AS points
            GROUP BY place / size {REPLACE};
        ELSE
            {INTO}
            SELECT of_run, of_metric, made, place / {FAN_OUT}, {OF_LEVEL}
            FROM (SELECT *, bucket AS place FROM seqsum.rollup
                WHERE run = of_run AND metric = of_metric AND level = made - 1 AND bucket >= begins * {FAN_OUT})
                AS finer
            GROUP BY place / {FAN_OUT} {REPLACE};
        END IF;
        EXIT WHEN last_step / size = 0;
        made := made + 1;
        size := size * {FAN_OUT};
    END LOOP;
END $$
""",
    f"""
CREATE FUNCTION seqsum.drop_after(of_run int8, base int8, after int8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_metric int8;
    last_step int8;
    made int8 := 1;
    size int8 := base * {FAN_OUT};
BEGIN
    WHILE after / size <> 0 LOOP
        DELETE FROM seqsum.rollup WHERE run = of_run AND level = made AND bucket >= after / size;
        made := made + 1;
        size := size * {FAN_OUT};
    END LOOP;
    -- From here on a level's first bucket holds the step.
    DELETE FROM seqsum.rollup WHERE run = of_run AND level >= made;
    FOR of_metric IN SELECT id FROM seqsum.metric WHERE run = of_run LOOP
        last_step := ({LAST});
        IF last_step IS NOT NULL THEN
            PERFORM seqsum.roll_up(of_run, of_metric, base, least(after, last_step));
        END IF;
    END LOOP;
END $$
""",
)

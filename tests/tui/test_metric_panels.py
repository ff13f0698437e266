"""Which metrics stand beside the loss, for each kind of task."""

from seqsum_tui.shared.metric_panels import (
    DEFAULT,
    MAIN,
    all_panels,
    loss_panel,
    panels,
    placed_panels,
    titles_kept,
    with_lacking,
)

ALWAYS = ["loss", "eval_loss", "lr", "grad_norm", "steps_per_second", "train_seconds"]


def test_a_task_with_accuracy_shows_it_first_and_then_the_others():
    known = [*ALWAYS, "accuracy", "train_accuracy", "balanced_accuracy", "majority_class_accuracy"]
    found = panels(known)
    assert [panel.title for panel in found] == ["accuracy", "balanced accuracy", "grad norm", "steps per second"]
    assert found[0].names == ("train_accuracy", "accuracy") and found[0].share
    assert found[1].names == ("majority_class_accuracy", "balanced_accuracy") and found[1].share


def test_a_curve_by_itself_needs_no_word_for_what_it_is_beside():
    for known, labels in (
        (["loss", "accuracy"], [""]), (["accuracy", "train_accuracy"], ["train", "eval"]), (["val_acc"], [""]),
        (["train_accuracy"], ["train"]),
    ):  # fmt: skip
        assert [label for _, label in panels(known)[0].metrics] == labels


def test_a_forecast_shows_its_error_against_same_as_last():
    known = [*ALWAYS, "mae", "mae_same_as_last", "rmse", "horizon_mae", "horizon_mae_same_as_last"]
    found = panels(known)
    assert found[0].names == ("mae_same_as_last", "mae") and not found[0].share
    assert [panel.title for panel in found[1:3]] == ["horizon mae", "rmse"]
    assert found[0].alone.names == ("mae",)


def test_without_anything_of_its_own_a_task_shows_the_held_out_loss():
    assert panels(["loss", "eval_loss", "lr"])[0].names == ("eval_loss",)


def test_before_the_first_values_there_is_a_chart_all_the_same():
    assert panels([])[0].title == "accuracy"
    assert loss_panel([]).names == ("loss",) and loss_panel(ALWAYS).names == ("loss", "eval_loss")


def test_a_language_model_stands_against_single_frequencies():
    found = {panel.title: panel for panel in panels(["accuracy", "bits_per_character", "unigram_bits_per_character"])}
    assert found["bits per character"].names == ("unigram_bits_per_character", "bits_per_character")
    assert list(found) == ["accuracy", "bits per character"]


def placed(wanted, known, logged=False):
    return [(title, panel.title) for title, panel in placed_panels(wanted, known, logged=logged)]


def test_what_a_run_lacks_gives_its_place_to_the_usual_chart():
    known = [*ALWAYS, "accuracy"]
    assert placed(("metric 17", MAIN, "learning rate"), known) == [
        ("metric 17", "loss"), (MAIN, "accuracy"), ("learning rate", "learning rate")
    ]  # fmt: skip
    assert placed(("loss", "metric 17", MAIN), known) == [("loss", "loss"), (MAIN, "accuracy")]
    assert placed(("metric 17",), known) == [("metric 17", "loss")]
    assert placed(DEFAULT, known) == [*zip(DEFAULT, ("loss", "accuracy", "learning rate"), strict=True)]
    assert placed(("metric 17", "loss"), known) == [("loss", "loss")]


def test_of_a_script_other_metrics_stand_in():
    known = ["a", "b", "c", "d"]
    assert [title for _, title in placed(DEFAULT, known, logged=True)] == ["a", "b", "c"]
    assert placed(("d", MAIN, "learning rate"), known, logged=True) == [("d", "d"), (MAIN, "b"), ("learning rate", "c")]
    assert placed(("d", "gone"), known, logged=True) == [("d", "d"), ("gone", "b")]
    assert placed(DEFAULT, [], logged=True) == [("loss", "loss")]


def test_what_is_changed_in_one_run_changes_nothing_else_for_others():
    script, preset = ["a", "b", "c"], [*ALWAYS, "accuracy"]
    shown = placed_panels(DEFAULT, script, logged=True)
    charts = [panel for _, panel in shown]
    chosen = next(panel for panel in all_panels(script) if panel.title == "c")
    assert titles_kept([chosen, charts[1]], shown, script, logged=True) == ["c", MAIN]
    assert titles_kept(charts[1:], shown, script, logged=True) == [MAIN, "learning rate"]
    assert titles_kept([chosen, charts[1], charts[0]], shown, script, logged=True) == ["c", MAIN, "a"]
    # In a run of a preset the first chart is the loss still; what is changed there leaves c its place.
    wanted = ("c", MAIN, "learning rate")
    shown = placed_panels(wanted, preset)
    assert [panel.title for _, panel in shown] == ["loss", "accuracy", "learning rate"]
    rate = next(panel for panel in all_panels(preset) if panel.title == "grad norm")
    again = titles_kept([*[panel for _, panel in shown[:2]], rate], shown, preset)
    assert again == ["c", MAIN, "grad norm"]
    shown = placed_panels(("loss", "c", MAIN), preset)
    assert with_lacking(["grad norm", MAIN], ("loss", "c", MAIN), shown) == ("grad norm", "c", MAIN)
    assert [title for _, title in placed(again, script, logged=True)][:2] == ["c", "b"]

"""Which metrics stand beside the loss, for each kind of task."""

from seqsum_tui.shared.metric_panels import loss_panel, panels

ALWAYS = ["loss", "eval_loss", "lr", "grad_norm", "steps_per_second", "train_seconds"]


def test_a_task_with_accuracy_shows_it_first_and_then_the_others():
    known = [*ALWAYS, "accuracy", "train_accuracy", "balanced_accuracy", "majority_class_accuracy"]
    found = panels(known)
    assert [panel.title for panel in found] == ["accuracy", "balanced accuracy", "grad norm", "steps per second"]
    assert found[0].names == ("train_accuracy", "accuracy") and found[0].share
    assert found[1].names == ("majority_class_accuracy", "balanced_accuracy") and found[1].share


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

"""How much each field of a sweep decides: functional ANOVA (Hutter et al. 2014) over a random forest, by Optuna.

Of the ranks of the settings, not of their values: so one that diverged counts, as the worst.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from seqsum.errors import UserError
from seqsum.sweeps.definition import Sweep
from seqsum.sweeps.optuna_study import library
from seqsum.sweeps.results import Result
from seqsum.sweeps.space import Choices

FEWEST = 4
"""Settings below which nothing is told."""


def importances(sweep: Sweep, results: Sequence[Result]) -> dict[str, float]:
    """Return path → share, 0 to 1 and 1 together, the largest first; nothing where too few settings are done, or all
    are alike.

    Given-up settings are left out: what they would have come to is not known. Raises UserError where Optuna or
    scikit-learn is not installed.
    """
    done = [one for one in results if one.setting.state == "complete" and one.sample is not None]
    sign = 1.0 if sweep.direction == "higher" else -1.0
    values = [-math.inf if one.median is None else sign * one.median for one in done]
    if len(done) < FEWEST or len(set(values)) < 2:
        return {}
    library()
    try:
        import sklearn  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        raise UserError("sweep: needs scikit-learn, which is not installed: pip install 'seqsum-tui[sweep]'") from None
    import optuna

    kinds: dict[str, optuna.distributions.BaseDistribution] = {
        part.path: optuna.distributions.CategoricalDistribution(part.values)
        if isinstance(part, Choices)
        else optuna.distributions.FloatDistribution(part.low, part.high, log=part.log)
        for part in sweep.space
    }
    study = optuna.create_study(direction="maximize")
    order = sorted(set(values))
    for one, value in zip(done, values, strict=True):
        texts = one.setting.values
        params = {
            part.path: texts[part.path]
            if isinstance(part, Choices)
            else min(max(float(texts[part.path]), part.low), part.high)
            for part in sweep.space
        }
        trial = optuna.trial.create_trial(params=params, distributions=kinds, value=float(order.index(value)))
        study.add_trial(trial)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    shares = {part.path: 0.0 for part in sweep.space} | {path: float(share) for path, share in found.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))

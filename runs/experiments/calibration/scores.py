"""Every score of one code's law: registered test, other dimensions, less knowledge, held-out levels, controls."""

import numpy as np

from analysis.calibration.checks import by_level, circular, shuffled
from analysis.calibration.fit import fit, held_out, residuals, score

__all__ = ["scores"]

#: What predictions are held out by.
BY = ("family", "circuit", "dataset")


def scores(registration, law, table, seed):
    """Plain types; `fit` and `test` are None where the registration names no circuit of this code for training."""
    training = registration.training.rows(table)
    found = {"law": str(law), "fit": None, "test": None, "held_out": _held_out(law, table, seed)}
    if training.any() and not training.all():
        fitted, rest = fit(law, table[training], seed), table[~training]
        levels = by_level(law, fitted, rest)
        found |= {
            "fit": fitted.to_json(), "test": score(law, rest, fitted, seed).to_json(),
            "test_on_layers": score(law, _layers(rest), fitted, seed).to_json(),
            "levels": {by: {level: s.to_json() for level, s in of.items()} for by, of in levels.items()},
            "rivals": {str(name): _against(other, table, training, seed)
                       for name, other in _others(registration, law).items()},
            "verdict": verdict(registration.criteria, score(law, rest, fitted, seed)),
            "predicted": _predictions(law, fitted, rest),
        }  # fmt: skip
    if (best := circular(law, table)) is not None:
        found["circular"] = dict(zip(("r_squared", "dimension", "power", "power_of_error"), best))
    if table["dataset"].nunique() > 1:
        turned = shuffled(law, table, "dataset", seed=seed)
        found["shuffled"] = {"dimension_r_squared": float(np.mean([s.dimension_r_squared[0] for s in turned])),
                             "fold_error": float(np.mean([s.fold_error[0] for s in turned]))}  # fmt: skip
    return found


def verdict(criteria, scored):
    """Which of the registered criteria are met."""
    fold, bias, share = scored.fold_error[0], scored.bias[0], scored.dimension_r_squared[0]
    return {
        "fold_error": bool(fold <= criteria.fold_error),
        "bias": bool(max(bias, 1 / bias) <= criteria.bias),
        "dimension_r_squared": bool(share >= criteria.dimension_r_squared),
    }


def _others(registration, law):
    """Laws with other dimensions, and those that know less."""
    rivals = {name: law.with_dimension(name) for name in registration.rivals.dimensions
              if law.replaced not in ("", name)}  # fmt: skip
    return rivals | law.baselines()


def _against(law, table, training, seed):
    """A rival's scores on the same split; and apart from attention heads, whose constant is another."""
    fitted, rest = fit(law, table[training], seed), table[~training]
    return {name: score(law, part, fitted, seed).to_json() for name, part in (("all", rest), ("layers", _layers(rest)))}


def _layers(table):
    return table[table["circuit"] != "attention head"]


def _held_out(law, table, seed):
    """Scores of predictions for each family, circuit and data set by a fit to the others."""
    return {by: score(law, table, held_out(law, table, by, seed), seed).to_json()
            for by in BY if table[by].nunique() > 1}  # fmt: skip


def _predictions(law, fitted, table):
    """Predicted and measured resource of each row, for the figure."""
    measured = law.measured(table)
    predicted = measured / np.exp(residuals(law, fitted, table))
    return {"measured": measured.tolist(), "predicted": predicted.tolist(), "circuit": table["circuit"].tolist()}

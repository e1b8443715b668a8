"""Model: a population in the kernel's terms."""

from dataclasses import dataclass

import numpy as np

from eventsim.neurons.cell import N_PARAMETERS, STATE

__all__ = ["Model", "model_of"]


@dataclass(frozen=True, eq=False)
class Model:
    """A population in the kernel's terms; times in ticks. What each means is said in `eventsim.neurons.cell`.

    Parameters
    ----------
    family : int
    variables : tuple of str
        The variable behind each of the first state places; empty for what is no variable of the population.
    parameters, theta, keep, shift, refractory : arrays, one row per neuron
    strict, guarded, restless : bool
    noise : (n, 4) int64 or None
        Words of each neuron's random stream.
    """

    family: int
    variables: tuple
    parameters: np.ndarray
    theta: np.ndarray
    strict: bool
    keep: np.ndarray
    shift: np.ndarray
    refractory: np.ndarray
    guarded: bool = False
    restless: bool = False
    noise: np.ndarray | None = None


def model_of(size, family, variables, parameters, theta, strict, resets=None, refractory=0.0, **options):
    """A Model whose arrays have the kernel's widths.

    Parameters
    ----------
    parameters : (size, m) float64, or empty
    theta, refractory : float or (size,) float64
    resets : mapping of str to (factor, constant), optional
        What a spike makes of a variable.
    options
        Further fields of Model.
    """
    wide = np.zeros((size, N_PARAMETERS))
    if len(parameters):
        wide[:, : parameters.shape[1]] = parameters
    keep, shift = np.ones((size, len(STATE))), np.zeros((size, len(STATE)))
    for variable, (factor, constant) in (resets or {}).items():
        keep[:, variables.index(variable)], shift[:, variables.index(variable)] = factor, constant
    theta, refractory = (np.broadcast_to(np.asarray(x, dtype=np.float64), size).copy() for x in (theta, refractory))
    return Model(family, variables, wide, theta, strict, keep, shift, refractory, **options)

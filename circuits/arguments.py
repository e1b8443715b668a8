"""What arguments have to be, told once by their names: one name means the same wherever circuits are made.

`checked` looks at what a function, method or class is given before it does anything. Whether a number lies in its range
is said where it is used.
"""

import inspect
from functools import wraps

import numpy as np

from circuits.errors import require
from eventsim.arguments import require_kind, whole_number, whole_numbers
from eventsim.errors import CircuitError, ConfigError
from eventsim.stimulus import Stimulus
from eventsim.trace import Trace

__all__ = ["checked", "number", "numbers", "of", "sequence_of", "whole_number"]


def numbers(name, values):
    """A number, or an array of them, as float64; raises CircuitError when it is none."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "biufO" and values is not None:
            return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        pass
    require(False, f"{name} is {values!r:.80}; give a number, or an array of numbers")


def number(name, value):
    """Raise CircuitError unless an argument is one number."""
    require(numbers(name, value).ndim == 0, f"{name} is {value!r:.80}; give one number")


def _range(name, value):
    require(numbers(name, value).shape == (2,), f"{name} is {value!r:.80}; give two numbers, (lowest, highest)")


def _seed(name, value):
    whole_number(name, value, 0)


def _shape(name, value):
    whole_numbers(name, value, 0, 2**40)  # what fits into no memory is refused where its size is known


def _pair(name, value):
    require(whole_numbers(name, value).size == 2, f"{name} is {value!r:.80}; give two whole numbers")


def of(*kinds):
    """An argument is of one of these classes."""
    return lambda name, value: require_kind(name, value, *kinds)


def sequence_of(*kinds):
    """An argument is a list or tuple of objects of some classes."""

    def check(name, values):
        require_kind(name, values, list, tuple)
        for k, value in enumerate(values):
            require_kind(f"{name}[{k}]", value, *kinds)

    return check


_NAMES = {
    numbers: "amplitude chance delay_ms drift drive held_start key keys limits logits mask refractory_ms "
    "slope_per_tick start tau_exc_ms tau_inh_ms tau_ms tau_syn_ms token u_start v_reset v_start v_th values",
    number: "alpha base beta counts dt_ms duration_ms eps error gain inhibition jitter largest_logit leak_ticks limit "
    "mismatch norm rate_per_tick scale smallest span step tau_ticks v_leak_per_tick",
    whole_number: "active_ticks encode_ticks flush_ticks padding refractory_ticks rest_ticks stride ticks warmup_ticks",
    whole_numbers: "key_token_keys token_keys",
    _seed: "seed",
    _range: "domain logit_range",
    _shape: "shape",
    _pair: "grid",
    of(bool, int, np.bool_): "inner_residual keeps_overshoot noise signed strict veto",
    of(str): "code integration name order prefix receptor reset softmax through",
    of(Stimulus): "stimulus",
    of(Trace): "trace",
}

#: Name -> function (what to call it, value) that raises when it is not of that kind.
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}


def checked(**kinds):
    """A decorator: what the arguments have to be, by the table or by `kinds`. None passes where it is the default.

    Raises
    ------
    CircuitError
        From what it decorates, naming that, the argument, what it is and what to give.
    """

    def decorate(make):
        if isinstance(make, type):
            make.__init__ = _checking(make.__init__, make.__qualname__, _KINDS | kinds)
            return make
        return _checking(make, make.__qualname__, _KINDS | kinds)

    return decorate


def _check(kind, name, value):
    try:
        kind(name, value)
    except ConfigError as error:
        raise CircuitError(str(error)) from None


def _checking(make, whose, known):
    parameters = inspect.signature(make).parameters
    never_none = {name for name, parameter in parameters.items() if parameter.default is not None}

    @wraps(make)
    def checks(*arguments, **options):
        for name, value in (dict(zip(parameters, arguments)) | options).items():
            if name in known and (value is not None or name in never_none):
                _check(known[name], f"{whose}: {name}", value)
        return make(*arguments, **options)

    return checks

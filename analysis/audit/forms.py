"""Forms: what a statement makes of variables, found by computing with symbols in place of numbers.

A Form goes through an expression as a number would. What comes out is a constant plus multiples of variables and of
exponentials of such, or an error where the expression is nothing of the kind. No syntax is looked at.
"""

from dataclasses import dataclass, field

import numpy as np

from eventsim.errors import CompileError
from eventsim.interpreter import function_of

__all__ = ["SUPPORTED", "Form", "Logistic", "Now", "evaluate"]

#: What can be replayed exactly, for messages.
SUPPORTED = "linear equations, exponentials of what grows linearly, and affine thresholds, resets and effects"


class _Symbol:
    """What is no number: all arithmetic that a subclass does not define fails."""

    __hash__ = None

    def __bool__(self):
        raise TypeError("a decision by what changes")

    def __eq__(self, other):
        raise TypeError("a comparison with what changes")


class Now(_Symbol):
    """The time, in seconds, of a tick; functions of time take it, and nothing else may depend on it."""

    def __init__(self, seconds):
        self.seconds = seconds


@dataclass(frozen=True, eq=False)
class Logistic(_Symbol):
    """1/(1 + exp(-inner)): a chance whose odds are exp(inner)."""

    inner: object


@dataclass(frozen=True, eq=False)
class Form(_Symbol):
    """constant + sum of coefficients * variables + sum of factors * exp(inner form).

    Parameters
    ----------
    constant : float
    coefficients : mapping of str to float
    exponentials : tuple of (float, Form)
    """

    constant: float = 0.0
    coefficients: dict = field(default_factory=dict)
    exponentials: tuple = ()

    @classmethod
    def of(cls, value):
        """A number, or a Form, as a Form; raises TypeError for anything else."""
        return value if isinstance(value, Form) else cls(_number(value))

    @property
    def is_constant(self):
        return not self.coefficients and not self.exponentials

    @property
    def is_affine(self):
        return not self.exponentials

    def row(self, places):
        """(n + 1,) float64: coefficients of the variables at some places, and the constant last."""
        row = np.zeros(len(places) + 1)
        for name, value in self.coefficients.items():
            row[places[name]] = value
        row[-1] = self.constant
        return row

    def __add__(self, other):
        other = Form.of(other)
        names = self.coefficients.keys() | other.coefficients.keys()
        sums = {name: self.coefficients.get(name, 0.0) + other.coefficients.get(name, 0.0) for name in sorted(names)}
        return Form(self.constant + other.constant, {name: c for name, c in sums.items() if c != 0.0},
                    self.exponentials + other.exponentials)  # fmt: skip

    __radd__ = __add__

    def __neg__(self):
        return self * -1.0

    def __pos__(self):
        return self

    def __sub__(self, other):
        return self + -Form.of(other)

    def __rsub__(self, other):
        return -self + other

    def _scaled(self, scale):
        return Form(scale(self.constant), {name: scale(c) for name, c in self.coefficients.items()},
                    tuple((scale(f), inner) for f, inner in self.exponentials))  # fmt: skip

    def __mul__(self, factor):
        if isinstance(factor, Form) and not factor.is_constant:
            return factor * self._only_constant()
        factor = factor.constant if isinstance(factor, Form) else _number(factor)
        return Form() if factor == 0.0 else self._scaled(lambda value: value * factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor):
        divisor = divisor._only_constant() if isinstance(divisor, Form) else _number(divisor)
        return self._scaled(lambda value: value / divisor)

    def __rtruediv__(self, dividend):
        if self.is_constant:
            return _number(dividend) / self.constant
        one = self.constant == 1.0 and not self.coefficients and len(self.exponentials) == 1
        if not one or dividend != 1 or self.exponentials[0][0] != 1.0:
            raise TypeError("division by what changes")
        return Logistic(-self.exponentials[0][1])

    def _only_constant(self):
        if not self.is_constant:
            raise TypeError("a product of what changes")
        return self.constant


def _number(value):
    if isinstance(value, _Symbol):
        raise TypeError("arithmetic with what is no number")
    return float(value)


def _exp(value):
    if not isinstance(value, Form) or value.is_constant:
        return float(np.exp(Form.of(value).constant))
    if not value.is_affine:
        raise TypeError("an exponential of an exponential")
    return Form(exponentials=((1.0, value),))


def evaluate(text, names, where, tables=None):
    """The value of an expression: a number, a Form or a Logistic.

    Parameters
    ----------
    text : str
    names : mapping of str to number, Form or Now
    where : str
        Population or pathway, for messages.
    tables : mapping of str to function, optional
        Functions of time that it may call.

    Raises
    ------
    CompileError
        When it is none of these.
    """
    try:
        return function_of(text, (tables or {}) | {"exp": _exp})(names)
    except (TypeError, KeyError, AttributeError):
        raise CompileError(where, f"'{text}' in continuous time", SUPPORTED) from None

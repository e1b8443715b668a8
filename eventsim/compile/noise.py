"""Unkeyed random numbers of a Brian2 network become keyed draws, where the user asks for it."""

import re

import numpy as np
from brian2 import PoissonInput
from brian2.core.variables import AuxiliaryVariable
from brian2.input.binomial import BinomialFunction

from eventsim.errors import CompileError
from eventsim.noise import keyed_binomial, keyed_normal, keyed_uniform
from eventsim.philox import LARGEST_MEAN

__all__ = ["OURS", "RANDOM", "Rekeying"]

OURS = {"keyed_uniform": keyed_uniform, "keyed_normal": keyed_normal, "keyed_binomial": keyed_binomial}

#: Brian2's function -> the keyed one of the same distribution.
RANDOM = {"rand": "keyed_uniform", "randn": "keyed_normal"}


class Rekeying:
    """Replaces draws in code; every call in a network gets a purpose of its own, so that no two draws are one.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        self.seed, self._purpose = seed, 0  # purpose 0 is left to the models' own noise

    def rekeyed(self, runner, code, variables):
        """(code, variables) of a CodeRunner with keyed draws in place of unkeyed ones."""
        draws = {name: (keyed, "") for name, keyed in RANDOM.items()}
        for name, found in variables.items():
            if isinstance(found, BinomialFunction):
                draws[name] = ("keyed_binomial", self._binomial(runner))
        pattern = rf"\b({'|'.join(map(re.escape, draws))})\(\s*"
        code = re.sub(pattern, lambda match: self._call(*draws[match.group(1)]), code)
        keys = {name: AuxiliaryVariable(name, dtype=np.int32) for name in ("key_lo", "key_hi")}
        keys["t_in_timesteps"] = AuxiliaryVariable("t_in_timesteps", dtype=np.int64, scalar=True)
        return code, {**variables, **{k: v for k, v in keys.items() if k not in variables}, **OURS}

    def _call(self, keyed, arguments):
        """A keyed call, without its closing bracket."""
        self._purpose += 1
        return f"{keyed}(key_lo, key_hi, t_in_timesteps, {self._purpose}, {self.seed}{arguments}"

    @staticmethod
    def _binomial(runner):
        """Arguments n and p of the draw of a PoissonInput."""
        if not isinstance(runner, PoissonInput):
            raise CompileError(runner.name, "a BinomialFunction", "PoissonInput, rand(), randn(), xi")
        n, p = int(runner.N), float(runner.rate * runner.clock.dt)
        if n * p > LARGEST_MEAN:
            raise CompileError(runner.name, f"{n * p:g} spikes in each step on average", f"up to {LARGEST_MEAN}")
        return f", {n}, {p!r}"

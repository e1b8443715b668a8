"""Cases: circuits with an input, what their spikes say, and what they should say."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from circuits import StoredKeyAttention
from circuits.attention import HEADS
from circuits.softmax.latency import SPAN_LIMIT
from eventsim import CompiledNetwork, compile_network
from eventsim.errors import ConfigError
from eventsim.stimulus import Stimulus
from runs.experiments.drawn_circuits import drawn_circuit
from runs.experiments.on_chip.digits import LatencyDigits
from runs.experiments.on_chip.masks import MASKS
from runs.experiments.softmax_convergence.copies import KINDS, Copies
from runs.inputs import digits

__all__ = ["CASES", "Case"]

SOFTMAX_CIRCUITS = ("race", "escape_inhibition", "thinning", "integrate_inhibition", "gated_counts", "first_spike")
BLOCKS = ("ssa", "qk_token", "sdsa")

#: Neither chip runs this circuit; a few queries are enough for what it costs.
_QUERIES_OF_STORED_KEYS = 12


@dataclass(frozen=True, eq=False)
class Case:
    """A circuit, run on an input.

    Parameters
    ----------
    title : str
    network : CompiledNetwork
    stimulus : Stimulus
    queries : int
        Runs of the circuit, one after the other or side by side, over which energy is shared.
    says : callable (trace) -> array
        What the spikes of a run mean.
    exact : array or None
        What they should; None where the circuit itself is exact by construction.
    measure : str
        "total variation" of weights, or "rms" relative to what is exact.
    accuracy : callable (array) -> float, optional
    """

    title: str
    network: CompiledNetwork
    stimulus: Stimulus
    queries: int
    says: Callable
    exact: np.ndarray | None
    measure: str
    accuracy: Callable | None = None

    def __post_init__(self):
        if self.exact is not None:
            self._require_answer(self.exact)

    def _require_answer(self, exact):
        if self.measure == "rms" and not np.nan_to_num(exact).any():
            raise ConfigError(f"{self.title}: what it should say is 0 throughout, and no error is relative to that; "
                              "give a higher rate, another seed, or more tokens, channels or steps")  # fmt: skip

    def error(self, said, exact):
        """How far `said` is from `exact`, in the case's measure; NaN in either is no answer, and left out."""
        if self.measure == "total variation":
            return float(0.5 * np.nansum(np.abs(said - exact), axis=-1).mean())
        self._require_answer(exact)
        scale = np.sqrt(np.nanmean(np.square(exact)))
        return float(np.sqrt(np.nanmean(np.square(said - exact))) / scale)


def _softmax_circuit(name, config):
    rng = np.random.default_rng(config.seed)
    logits = rng.normal(0, config.spread, (config.rows, config.n))
    if (span := np.ptp(logits, axis=1).max()) > SPAN_LIMIT:
        raise ConfigError(f"spread = {config.spread:g}: the logits drawn lie up to {span:.3g} apart, and these "
                          f"circuits take up to {SPAN_LIMIT:g}; give less")  # fmt: skip
    options = {"rate_per_tick": 0.2, "inhibition": 0.5}
    made = Copies(KINDS[name], logits, config.length, options, config.seed)
    network = compile_network(made.circuit.network())

    def says(trace):
        return made.shares(trace.spikes(), trace.network.n_neurons)[0]

    return Case(f"softmax: {name}", network, made.stimulus(), config.rows, says, made.p, "total variation")


def _digits(name, config):
    made = LatencyDigits(digits(config.support, config.queries, config.seed), config.beta, config.tau_ticks,
                         config.levels)  # fmt: skip
    title = f"digits by first spikes, {config.support} tokens"
    return Case(title, compile_network(made.circuit.network()), made.stimulus(), config.queries, made.weights,
                made.exact, "total variation", made.accuracy)  # fmt: skip


def _stored_keys(name, config):
    """The circuit of digits-attention, on fewer images and for a shorter time."""
    data = digits(config.support, min(config.queries, _QUERIES_OF_STORED_KEYS), config.seed)
    circuit = StoredKeyAttention(data.keys, data.values, beta=config.beta, softmax="integrate_inhibition",
                                 active_ticks=4 * config.length, encode_ticks=config.length, limit=0.6,
                                 reset="host")  # fmt: skip

    def says(trace):
        counts = circuit.decode(trace)
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def accuracy(said):
        return float((said.argmax(axis=1) == data.answers).mean())

    return Case("digits-attention, integrate_inhibition", compile_network(circuit.network()),
                circuit.stimulus(data.queries), len(data.queries), says,
                circuit.exact(data.queries) @ data.values.filled(0), "rms", accuracy)  # fmt: skip


def _mask(name, config):
    rng = np.random.default_rng(config.seed)
    made = MASKS[name](rng.random((3, config.steps, config.tokens, config.channels)) < config.rate / 2, config.heads)
    network, title = compile_network(made.circuit.network()), f"mask alone: {name.removesuffix('_mask')}"
    return Case(title, network, made.stimulus(), 1, made.says, made.exact.astype(float), "rms")


def _head(name, config):
    code = name.removesuffix("_head")
    rng, shape = np.random.default_rng(config.seed), (config.head_tokens, config.head_channels)
    q, k, v = rng.uniform(-1, 1, (3, *shape))
    noise = {"seed": config.seed} if code == "rate" else {}
    head = HEADS[code](*shape, ticks=config.head_ticks, **noise)
    network = compile_network(head.network())
    return Case(f"head: {code} code", network, head.stimulus(q, k, v, seed=config.seed), 1, head.decode,
                head.exact(q, k, v)[2], "rms")  # fmt: skip


def _block(name, config):
    circuit, x = drawn_circuit(name, config)
    return Case(f"block: {name}", compile_network(circuit.network()), circuit.stimulus(x), 1, circuit.decode, None,
                "rms")  # fmt: skip


#: How each case is made: name -> function(name, config).
CASES = (dict.fromkeys(SOFTMAX_CIRCUITS, _softmax_circuit) | {"digits": _digits}
         | {f"{code}_head": _head for code in HEADS} | dict.fromkeys(BLOCKS, _block)
         | dict.fromkeys(MASKS, _mask) | {"digits_attention": _stored_keys})  # fmt: skip

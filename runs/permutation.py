"""The law of permutation: an experiment is run again with its tokens in another order; its spikes follow, bit for bit.

Attention does not know in which order its tokens are stored. Neither may its circuit: when the tokens are permuted, and
their noise with them, the same spikes must come out, permuted. Noise that hung on a neuron's index would break this.
"""

import numpy as np

from analysis.audit import AuditReport, Law
from analysis.audit.report import FAILED, NOT_CHECKABLE, PASSED
from eventsim import compile_network, simulate
from eventsim.errors import ConfigError
from runs.config import load_config
from runs.experiments import EXPERIMENTS

__all__ = ["audit_permutation", "images"]


def audit_permutation(name, settings=(), *, seed=0, progress=None):
    """Run an experiment with its tokens in order, permuted, and permuted with noise that stays behind.

    Parameters
    ----------
    name : str
        An experiment, or a TOML file that names one.
    settings : sequence of str
        Overrides "key=value".
    seed : int
        Of the permutation.
    progress : True or callable, optional
        As `eventsim.simulate` takes it.

    Returns
    -------
    AuditReport
        Laws "permutation" and "control", the latter on noise keyed by index, which must be told apart.

    Raises
    ------
    ConfigError
        When the experiment does not say how its tokens are permuted.
    """
    experiment, config = load_config(name, settings, EXPERIMENTS)
    permuted = getattr(experiment, "permuted", None)
    if permuted is None:
        able = ", ".join(key for key, module in EXPERIMENTS.items() if hasattr(module, "permuted"))
        raise ConfigError(f"'{name}' has no tokens to permute: its experiment offers no permuted(config, order); "
                          f"those that do: {able or 'none'}")  # fmt: skip
    in_order = np.arange(experiment.n_tokens(config))
    order = np.random.default_rng(seed).permutation(in_order)
    network, spikes = _run(permuted(config, in_order), progress)
    law = _compare("permutation", network, spikes, *_run(permuted(config, order), progress), order)
    control = _compare("control", network, spikes, *_run(permuted(config, order, keyed_by="index"), progress), order)
    return AuditReport((law, _as_control(control)))


def images(network, permuted, order):
    """(n_neurons,) int64: the neuron of `network` that each neuron of the permuted one stands for.

    Token j of the permuted network is token order[j]. Neurons without a token keep their place in their population.
    """
    before = _sorted(network, network.token)
    after = _sorted(permuted, np.where(permuted.token >= 0, order[permuted.token], -1))
    found = np.empty(permuted.n_neurons, dtype=np.int64)
    found[after] = before
    return found


def _sorted(network, token):
    """Neurons by (population, path, token, place)."""
    ids = np.arange(network.n_neurons)
    population = np.searchsorted([p.start for p in network.populations], ids, side="right")
    return np.lexsort((ids, token, network.path_id, population))


def _run(circuit_and_stimulus, progress):
    circuit, stimulus = circuit_and_stimulus
    network = compile_network(circuit.network())
    with simulate(network, stimulus, progress=progress) as trace:
        return network, trace.spikes()


def _compare(name, network, spikes, permuted, found, order):
    """A Law: the spikes that were found are, neuron by neuron and tick by tick, the images of those expected."""
    if network.paths != permuted.paths or network.n_neurons != permuted.n_neurons:
        return Law(name, FAILED, 0, "the permuted circuit has other populations")
    neuron = images(network, permuted, order)[found.neuron]
    rows = np.lexsort((neuron, found.tick))
    tick, neuron = found.tick[rows], neuron[rows]
    common = min(tick.size, len(spikes))
    differs = (tick[:common] != spikes.tick[:common]) | (neuron[:common] != spikes.neuron[:common])
    moved = f"{int((order != np.arange(order.size)).sum()):,} of {order.size:,} tokens moved"
    if tick.size == len(spikes) and not differs.any():
        return Law(name, PASSED, common, f"{moved}, and every spike with its token")
    k = int(differs.argmax()) if differs.any() else common
    mine, theirs = (_spike(network, columns, k) for columns in ((spikes.tick, spikes.neuron), (tick, neuron)))
    return Law(name, FAILED, k + 1, f"{moved}; spike {k:,} is {mine} in order, but {theirs} permuted")


def _spike(network, columns, k):
    if k >= columns[0].size:
        return "missing"
    tick, neuron = (int(column[k]) for column in columns)
    path = network.path_id[neuron]
    return f"'{network.paths[path]}' token {network.token[neuron]} at tick {tick}"


def _as_control(law):
    """The control turns a verdict around: it has to fail where there is noise."""
    if law.verdict == FAILED:
        return Law(law.name, PASSED, law.checked, f"noise keyed by index is told apart: {law.detail}")
    return Law(law.name, NOT_CHECKABLE, 0, "noise keyed by index gives the same spikes: this circuit draws none")

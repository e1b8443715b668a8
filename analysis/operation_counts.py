"""Operation counts of one attention block, side by side: deliveries to synapses, and what published counters say.

`deliveries` counts what happened, synapse by synapse, from a trace. `products` gives the same run as matrix products,
for the counters of analysis.published_counters, and `published` applies them. `unaccounted` compares the two where they
must agree.
"""

import numpy as np
import pandas as pd

from analysis.published_counters import COUNTERS, Operations, Product
from circuits.attention import SDSA, SSA, QKTokenAttention
from circuits.maps import Linear
from eventsim.errors import ConfigError

__all__ = ["STAGES", "deliveries", "products", "published", "unaccounted"]

#: Parts of a block, in order: neurons that turn a real input into spikes, projections, attention, last projection.
STAGES = ("input", "qkv", "attention", "proj")

#: Which part a population belongs to; all others are of the attention between the projections.
_STAGE_OF = {"shortcut": "input", "q": "qkv", "k": "qkv", "v": "qkv", "proj": "proj"}


def deliveries(trace, circuit, query=None):
    """Every delivery of a run, by sending and receiving population.

    Parameters
    ----------
    trace : Trace
    circuit : Pipeline
        What was run.
    query : int, optional
        Place in `trace.queries()`; all of them if left out.

    Returns
    -------
    DataFrame
        One row per pair of populations with deliveries: stage (see STAGES), sender, receiver, bias (whether the sender
        is the neuron that spikes once per step), and how many: `all`; `nonzero`, over synapses whose weight is not 0;
        `repeated`, from the second and further spikes that make up an integer input. The last two are part of `all`.
    """
    names, population = _populations(circuit, trace.network.n_neurons)
    further = _further_units(circuit, trace.network.n_neurons)
    counts = np.zeros((3, len(names) ** 2), dtype=np.int64)
    for events in trace.iter_synaptic_events(query=query):
        route = population[events.pre] * len(names) + population[events.post]
        for row, kept in enumerate((slice(None), events.weight != 0, further[events.pre])):
            counts[row] += np.bincount(route[kept], minlength=counts.shape[1])
    sender, receiver = (index.tolist() for index in np.divmod(np.flatnonzero(counts[0]), len(names)))
    table = pd.DataFrame({"sender": [names[k] for k in sender], "receiver": [names[k] for k in receiver]})
    table.insert(0, "stage", [_STAGE_OF.get(name, "attention") for name in table["receiver"]])
    table["bias"] = table["sender"] == "one"
    for row, name in enumerate(("all", "nonzero", "repeated")):
        table[name] = counts[row][counts[0] > 0]
    return table.sort_values("stage", key=lambda stage: stage.map(STAGES.index), kind="stable", ignore_index=True)


def _populations(circuit, n_neurons):
    """Names of the populations, and for every neuron the place of its own among them."""
    labels, place = circuit.labels(), np.empty(n_neurons, dtype=np.int64)
    for k, (start, stop) in enumerate(labels.values()):
        place[start:stop] = k
    return list(labels), place


def _further_units(circuit, n_neurons):
    """(n_neurons,) bool: the sources whose spikes make an input an integer above 1."""
    (start, stop), further = circuit.labels()["input"], np.zeros(n_neurons, dtype=bool)
    further[start + (stop - start) // circuit.levels : stop] = True
    return further


def products(circuit, trace, query=0):
    """The matrix products with which a framework computes the same run, all steps at once.

    SSA multiplies k^T v first and q with the result, as SpikingJelly and Spikformer's ImageNet model do, in whatever
    order the circuit does it. Q-K token attention and SDSA mask and sum; only their layers are matrix products.

    Parameters
    ----------
    circuit : Pipeline
        Of an SSA, a QKTokenAttention or an SDSA with linear projections.
    trace : Trace
    query : int

    Returns
    -------
    list of Product

    Raises
    ------
    ConfigError
        When the block is of another kind, or has convolutions.
    """
    describe = _DESCRIBED.get(type(circuit.block))
    if describe is None:
        known = ", ".join(block.__name__ for block in _DESCRIBED)
        kind = type(circuit.block).__name__
        raise ConfigError(f"{kind} is not described as matrix products; choose one of {known}")
    return describe(circuit.block, lambda what: circuit.decode(trace, what)[query], circuit.input)


def _ssa(block, spikes, x):
    q, k, v = (_per_head(spikes(name), block.heads) for name in "qkv")
    k = k.swapaxes(-1, -2)
    return [_layer("qkv", spikes(x), block.q, block.k, block.v), Product("attention", k, v, "spikes"),
            Product("attention", q, k @ v, "counts"), _layer("proj", spikes("attn"), block.proj)]  # fmt: skip


def _qk_token(block, spikes, x):
    kept = spikes("kept").swapaxes(1, 2)  # (steps, n, heads, d)
    return [_layer("qkv", spikes(x), block.q, block.k), _layer("proj", kept.reshape(*kept.shape[:2], -1), block.proj)]


def _sdsa(block, spikes, _):
    return [_layer("qkv", spikes("shortcut"), block.q, block.k, block.v), _layer("proj", spikes("kept"), block.proj)]


_DESCRIBED = {SSA: _ssa, QKTokenAttention: _qk_token, SDSA: _sdsa}


def _per_head(spikes, heads):
    """(steps, n, heads * d) as (steps, heads, n, d)."""
    steps, n, channels = spikes.shape
    return spikes.reshape(steps, n, heads, channels // heads).swapaxes(1, 2)


def _layer(stage, x, *maps):
    if not all(isinstance(own, Linear) for own in maps):
        raise ConfigError(f"'{stage}' has a convolution; counters are compared on linear projections only")
    return Product(stage, x.reshape(-1, x.shape[-1]), np.concatenate([own.weight for own in maps]).T, "weights")


def published(described):
    """What every published counter says of a block.

    Parameters
    ----------
    described : sequence of Product

    Returns
    -------
    dict of str to dict of str to Operations
        Counter's name -> stage -> operations, for the stages "qkv", "attention" and "proj".
    """
    return {
        counter.name: {stage: sum((counter.count(p) for p in described if p.stage == stage), Operations())
                       for stage in STAGES[1:]}
        for counter in COUNTERS
    }  # fmt: skip


def unaccounted(circuit, table, described):
    """Where deliveries to the synapses of a layer are not the spikes sent times the synapses each of them has.

    The two sides come from different places: one from the network's synapses, one from weights and decoded spikes.

    Parameters
    ----------
    circuit : Pipeline
    table : DataFrame
        See `deliveries`, of one query.
    described : sequence of Product
        Of the same query.

    Returns
    -------
    list of str
        A line for every stage and count that differ. A map without neurons behind it, the membrane output of SDSA, has
        no synapses and is left out.
    """
    received_by = {_STAGE_OF.get(name) for name in circuit.labels()}
    sent, lines = table[~table["bias"]].groupby("stage")[["all", "nonzero"]].sum(), []
    for product in described:
        if product.kind == "weights" and product.stage in received_by:
            due = {"all": product.left.sum() * product.right.shape[-1],
                   "nonzero": (product.left @ (product.right != 0)).sum()}  # fmt: skip
            found = {kind: sent[kind].get(product.stage, 0) for kind in due}
            lines += [f"{product.stage}: {found[kind]:,} deliveries ({kind}), {due[kind]:,} due"
                      for kind in due if found[kind] != due[kind]]  # fmt: skip
    return lines

"""to_nir: a circuit whose neurons NIR has becomes a NIR graph."""

from collections import defaultdict

import numpy as np

from circuits.arguments import checked, of
from circuits.circuit import Circuit
from circuits.errors import require
from circuits.nir.graph import order_of
from circuits.nir.package import nir_package
from circuits.wiring import RESET

__all__ = ["to_nir"]

_FITS = "spike sources, Gate, StepLIF, and the neurons of from_nir with a period of one tick"


@checked(circuit=of(Circuit))
def to_nir(circuit, *, step=1.0):
    """The NIR graph of a circuit whose neurons step as NIR's do; `from_nir` of it, Euler, fires the same spikes.

    A population becomes a node of one dimension, the synapses between two populations with one delay a Linear and,
    where they take longer than the layers between, a Delay. Populations of the circuit's ports are its Outputs; without
    ports, those that send nothing on. A constant drive of its own becomes part of v_leak, and a threshold at which a
    neuron fires the largest number below it.

    Parameters
    ----------
    circuit : Circuit
    step : float
        Length of a tick in the graph's unit of time.

    Returns
    -------
    nir.NIRGraph
        Write it with `nir.write(path, graph)`.

    Raises
    ------
    CircuitError
        Naming the population or the synapses that NIR has no node for.
    """
    nir = nir_package()
    names = {block.path: block.path.replace("/", ".") for block in circuit.blocks}
    nodes = {names[block.path]: _node(nir, block, step) for block in circuit.blocks}
    wires = _wires(circuit, names)
    inputs = [names[block.path] for block in circuit.blocks if block.model.kind == "source"]
    # A synapse's delay of d ticks is one tick of latency and d more.
    order = order_of(list(nodes), inputs, [(pre, post, 0) for pre, post, _ in wires])
    edges = []
    for (pre, post, delay), matrix in wires.items():
        steps = delay + 1 - order.depth[post] + order.depth[pre]
        least = order.steps(pre, post, 0)
        require(steps >= least, f"synapses from '{pre}' to '{post}' arrive {least - steps} ticks before the step that "
                "NIR has them in; give them that much more delay")  # fmt: skip
        edges += _maps(nir, nodes, f"{pre}-{post}-{delay}", pre, post, matrix, steps if steps > least else 0, step)
    for name in _outputs(circuit, names, wires):
        nodes[f"output-{name}"] = nir.Output({"output": np.array(nodes[name].output_type["output"])})
        edges.append((name, f"output-{name}"))
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)


def _node(nir, block, step):
    """The node of a population, which NIR has flat."""
    model, shape = block.model, (block.size,)

    def number(what, default=0.0):
        value = model.parameters[what][1] if what in model.parameters else default
        return np.broadcast_to(np.asarray(value, dtype=np.float64), block.shape).reshape(shape).copy()

    zeros = np.zeros(shape)
    if model.kind == "source":
        return nir.Input({"input": np.array(shape)})
    if model.kind == "gate" and not np.any(model.state["v"]):
        return nir.Threshold(threshold=number("v_th"))
    if model.kind == "step_lif":
        return nir.LIF(tau=number("tau") * step, r=zeros + 1, v_leak=number("v_reset"), v_reset=number("v_reset"),
                       v_threshold=np.nextafter(number("v_th"), -np.inf))  # fmt: skip
    fits = model.kind in ("nir_cell", "nir_cell_read", "nir_cuba", "nir_cuba_read") and not np.any(number("period") > 1)
    require(fits, f"'{block.path}' ({model.kind}) is no neuron of NIR; what can be exported: {_FITS}")
    keep, feed, reads = number("keep"), number("feed"), model.kind.endswith("_read")
    rest = number("rest") + (0.0 if "cuba" in model.kind else feed * number("bias"))
    limits = {} if reads else {"v_threshold": number("v_th"), "v_reset": number("v_reset")}
    if (keep == 1).all():
        require(not rest.any(), f"'{block.path}' integrates a constant drive; NIR's {'I' if reads else 'IF'} has none")
        return nir.I(r=feed / step) if reads else nir.IF(r=feed / step, **limits)
    require((keep < 1).all(), f"'{block.path}' has neurons with and without leak; give each a population of its own")
    if not (keep.any() or rest.any() or reads) and (feed == 1).all():
        return nir.Threshold(threshold=limits["v_threshold"])
    tau, r, v_leak = step / (1 - keep), feed / (1 - keep), rest / (1 - keep)
    if "cuba" not in model.kind:
        return (nir.LI if reads else nir.LIF)(tau=tau, r=r, v_leak=v_leak, **limits)
    keep_i, feed_i = number("keep_i"), number("feed_i")
    v_leak = v_leak + r * feed_i * number("bias") / (1 - keep_i)
    require(not number("bias").any(), f"'{block.path}' has a bias before its current, which no node of NIR's has")
    return (nir.CubaLI if reads else nir.CubaLIF)(
        tau_syn=step / (1 - keep_i), tau_mem=tau, r=r, v_leak=v_leak, w_in=feed_i / (1 - keep_i), **limits
    )


def _wires(circuit, names):
    """Mapping (population, population, delay in ticks) -> (n_post, n_pre) weights; parallel synapses add up."""
    starts = np.array([block.start for block in circuit.blocks])
    found = defaultdict(list)
    for wiring in circuit.wirings:
        require(wiring.receptor != RESET, "reset synapses have no node in NIR; a NIR graph is reset by who runs it")
        pre, post = (np.searchsorted(starts, ids, side="right") - 1 for ids in (wiring.pre, wiring.post))
        for s, t, delay in np.unique(np.column_stack([pre, post, wiring.delay]), axis=0):
            source, target = circuit.blocks[s], circuit.blocks[t]
            first = next(iter(target.model.receptors))
            require(wiring.receptor in (None, first), f"'{target.path}' receives at '{wiring.receptor}', which NIR has "
                    "not")  # fmt: skip
            here = (pre == s) & (post == t) & (wiring.delay == delay)
            found[names[source.path], names[target.path], int(delay)].append(
                (source, target, wiring.pre[here] - source.start, wiring.post[here] - target.start,
                 wiring.weight[here]))  # fmt: skip
    matrices = {}
    for key, parts in found.items():
        source, target = parts[0][:2]
        matrices[key] = np.zeros((target.size, source.size))
        for _, _, i, j, weight in parts:
            np.add.at(matrices[key], (j, i), weight)
    return matrices


def _maps(nir, nodes, name, pre, post, matrix, delay, step):
    """Put the nodes from one population to another into `nodes`; returns their edges."""
    chain = [pre, f"{name}-weight"]
    nodes[chain[-1]] = nir.Linear(weight=matrix)
    if delay:
        chain.append(f"{name}-delay")
        nodes[chain[-1]] = nir.Delay(delay=np.full(len(matrix), float(delay) * step))
    return list(zip(chain, [*chain[1:], post]))


def _outputs(circuit, names, wires):
    """Populations that are ports as a whole; without any, those that send nothing on."""
    ports = [set(np.ravel(ids).tolist()) for ids in circuit.ports.values()]
    whole = [names[b.path] for b in circuit.blocks if set(range(b.start, b.start + b.size)) in ports]
    senders = {pre for pre, _, _ in wires}
    return whole or [names[b.path] for b in circuit.blocks if names[b.path] not in senders]

"""from_nir: a NIR graph becomes a circuit, with the way in and the way out."""

from dataclasses import replace

import numpy as np

from circuits.arguments import checked
from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.neurons import Source
from circuits.nir.cells import READ, cell_of
from circuits.nir.file import read_graph
from circuits.nir.graph import Flat, order_of
from circuits.wiring import Wiring
from eventsim.stimulus import Stimulus

__all__ = ["NirCircuit", "from_nir"]


@checked()
def from_nir(source, *, step, integration="euler", name="nir", dt_ms=1.0):
    """A circuit of a NIR graph.

    Spikes enter at Inputs. Zero weights make no synapse. How time is cut into steps is said in `circuits.nir`.

    Parameters
    ----------
    source : path or nir.NIRGraph
        A file is read as one that anybody may have written.
    step : float
        Length of a step in the graph's unit of time: that in which its time constants and Delays are. snnTorch writes
        graphs for steps of 1e-4, Norse for 1e-3.
    integration : str
        "euler" or "exact".
    name : str
    dt_ms : float
        Length of a tick of the circuit.

    Returns
    -------
    NirCircuit

    Raises
    ------
    CircuitError
        Naming the node or edge that has no circuit, or does not fit its neighbours, and what is supported.
    TraceFormatError, ConfigError
        When the file is none of NIR, is damaged, or is not there.

    Examples
    --------
    >>> import nir
    >>> lif = nir.LIF(**{name: np.full(2, value) for name, value in
    ...                  {"tau": 10.0, "r": 10.0, "v_leak": 0.0, "v_threshold": 1.5}.items()})
    >>> circuit = from_nir(nir.NIRGraph.from_list(nir.Linear(np.eye(2)), lif), step=1.0)
    >>> circuit.depth, circuit.n_synapses
    ({'input': 0, 'lif': 1}, 2)
    """
    require(np.isfinite(step) and step > 0, f"step is {step}; it must be a positive length of time")
    require(integration in ("euler", "exact"), f"integration is '{integration}'; choose 'euler' or 'exact'")
    return NirCircuit(Flat(read_graph(source), float(step)), integration, name, dt_ms)


class NirCircuit(Circuit):
    """The circuit of a NIR graph.

    Attributes
    ----------
    cells : dict of str to Neurons
        Inputs and neurons by the names of their nodes, each of the node's shape.
    depth : dict of str to int
        Step t of a cell is in tick t * period + depth.
    period : int
        Ticks per step: 1, but where a loop leads through several cells.
    entries : list of str
        The graph's Inputs.
    outputs : dict of str to Signal
        What arrives at each Output.
    """

    def __init__(self, flat, integration, name, dt_ms):
        super().__init__(name, dt_ms=dt_ms)
        driving = {cell: flat.driving(cell) for cell in flat.neurons}
        wires = [(pre, post, steps) for post, signal in driving.items() for pre, steps in signal.terms]
        for pre, post, _ in wires:
            kind = flat.kinds[pre]
            require(kind not in READ, f"'{pre}' ({kind}) sends a potential to '{post}'; only an Output can read that")
        order = order_of(flat.cells, flat.inputs, wires)
        self.depth, self.period, self.cells = order.depth, order.period, {}
        self._read = {cell for cell in flat.neurons if flat.kinds[cell] in READ}
        for cell in flat.inputs:
            self.cells[cell] = self.neurons(_path(cell), flat.shape(cell), Source())
        for cell, signal in driving.items():
            model = cell_of(flat.nodes[cell], cell, flat.kinds[cell], signal.bias, flat.step, integration,
                            self.depth[cell], self.period)  # fmt: skip
            self.cells[cell] = self.neurons(_path(cell), signal.shape, _shaped(model, signal.shape))
        for post, signal in driving.items():
            for (pre, steps), matrix in signal.terms.items():
                self._join(pre, post, matrix.tocoo(), order.delay(pre, post, steps))
        self.entries, self.outputs = flat.inputs, {output: flat.signal(output) for output in flat.outputs}

    def _join(self, pre, post, matrix, delay):
        present = matrix.data != 0
        ends = (self.cells[pre].ids.ravel()[matrix.col[present]], self.cells[post].ids.ravel()[matrix.row[present]])
        if present.any():
            wiring = Wiring.of(*(end.astype(np.int64) for end in ends), matrix.data[present], delay)
            self._add(wiring, self.cells[post], None, self.cells[pre])

    @property
    def latency_ticks(self):
        """Ticks from the last step's input until everything that it reaches at once has been read."""
        return max(self.depth.values()) + self.period

    @property
    def record(self):
        """What `eventsim.simulate` must record for the potentials that Outputs read; None if they read spikes."""
        ids = [self.neuron_ids(self.cells[cell]).ravel() for cell in self.cells if cell in self._read]
        return {"v": np.concatenate(ids)} if ids else None

    def stimulus(self, spikes, input_id=None):
        """Inputs presented one after the other, each from rest (by the host, see eventsim.Stimulus).

        Parameters
        ----------
        spikes : (steps, *shape) or (queries, steps, *shape) array of 0 and 1; or mapping of str to such
            A mapping where the graph has several Inputs.
        input_id : (queries,) integers, optional

        Returns
        -------
        eventsim.Stimulus
        """
        given = spikes if isinstance(spikes, dict) else {self.entries[0]: spikes}
        require(set(given) == set(self.entries), f"spikes are given for {', '.join(given)}; the graph's Inputs are "
                f"{', '.join(self.entries)}")  # fmt: skip
        checked = {cell: self._checked(cell, np.asarray(values)) for cell, values in given.items()}
        sizes = {values.shape[:2] for values in checked.values()}
        require(len(sizes) == 1, "all Inputs must have spikes of as many queries and steps")
        queries, steps = sizes.pop()
        self.phases = Phases(0, steps * self.period, self.latency_ticks)
        start = np.arange(queries, dtype=np.int64) * self.duration_ticks
        ticks, neurons = [], []
        for cell, values in checked.items():
            query, step, neuron = np.nonzero(values.reshape(queries, steps, -1))
            ticks.append(start[query] + step * self.period)
            neurons.append(self.neuron_ids(self.cells[cell]).ravel()[neuron])
        windows = np.column_stack([start, start + self.duration_ticks])
        return Stimulus.of(np.concatenate(ticks), np.concatenate(neurons), windows, input_id, "host")

    def _checked(self, cell, values):
        shape = self.cells[cell].shape
        fits = values.ndim in (len(shape) + 1, len(shape) + 2) and values.shape[-len(shape) :] == shape
        require(fits, f"spikes of '{cell}' have shape {values.shape}; give (steps, {', '.join(map(str, shape))})")
        number = np.issubdtype(values.dtype, np.number) or values.dtype == bool
        require(number and np.isin(values, (0, 1)).all(), f"spikes of '{cell}' must be 0 or 1")
        return values.reshape(-1, *values.shape[-len(shape) - 1 :])

    def decode(self, trace, what=None):
        """What an Output, or a cell, put out in each step.

        Parameters
        ----------
        trace : Trace
            Of a stimulus of this circuit; with `record=circuit.record` where that is not None.
        what : str, optional
            An Output or a cell; the graph's only Output if left out.

        Returns
        -------
        (queries, steps, *shape) float64
        """
        known = [*self.outputs, *self.cells]
        what = next(iter(self.outputs), None) if what is None and len(self.outputs) == 1 else what
        require(what in known, f"there is no '{what}'; name one of {', '.join(known)}")
        if what in self.cells:
            return self._values(trace, what).reshape(*self._steps(trace), *self.cells[what].shape)
        signal = self.outputs[what]
        total = np.broadcast_to(signal.bias, (*self._steps(trace), signal.bias.size)).copy()
        for (cell, late), matrix in signal.terms.items():
            values = self._values(trace, cell)
            moved = np.zeros_like(values)
            moved[:, late:] = values[:, : values.shape[1] - late]
            total += (matrix @ moved.reshape(-1, values.shape[2]).T).T.reshape(total.shape)
        return total.reshape(*total.shape[:2], *signal.shape)

    def _steps(self, trace):
        return len(trace.queries()), self.phases.active_ticks // self.period

    def _values(self, trace, cell):
        """(queries, steps, n): spikes of a cell, or its potential after each step."""
        steps = self._steps(trace)[1]
        ids, starts = self.neuron_ids(self.cells[cell]).ravel(), trace.queries()["start_tick"].to_numpy()
        at = starts[:, None] + np.arange(steps) * self.period + self.depth[cell]
        if cell in self._read:
            samples = trace.samples().of("v", ids)
            return samples.value[np.searchsorted(samples.tick, at + 1)]
        fired = np.zeros((trace.duration_ticks, ids.size))
        spikes = trace.spikes(neurons=ids)
        order = np.argsort(ids)
        fired[spikes.tick, order[np.searchsorted(ids, spikes.neuron, sorter=order)]] = 1
        return fired[at]


def _path(cell):
    return cell.replace("/", ".")


def _shaped(model, shape):
    """The model with its numbers in the shape of the population."""
    numbers = {what: (unit, np.reshape(value, shape) if np.ndim(value) else value)
               for what, (unit, value) in model.parameters.items()}  # fmt: skip
    return replace(model, parameters=numbers)

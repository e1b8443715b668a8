"""why: what made a neuron fire in a tick, or kept it from firing."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.audit.arrivals import Afferents
from analysis.audit.condition import condition_of, told
from analysis.audit.exact_replay import explain_exactly
from analysis.audit.replay import Replay
from eventsim.errors import CompileError, ConfigError

__all__ = ["Explanation", "name_of", "neuron_id", "why"]

_INDEXED = re.compile(r"^(?P<group>.*)\[(?P<index>\d+)\]$")

#: Rows of each table that are printed.
_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a neuron fired in a tick, or did not.

    Parameters
    ----------
    neuron, tick : int
    name : str
    fired : bool
        What the record says.
    justified : bool or None
        Whether that follows from the neuron's inputs; None when it cannot be replayed.
    verdict : str
        The threshold condition at that tick, with its values.
    reasons : tuple of str
        What else decided it: refractory periods, resets, the nearest miss, the sum of the inputs.
    potential : DataFrame
        One row per tick up to this one: tick, fired, every variable, and `potential` against `threshold` where the
        condition compares two things. Taken when the threshold is tested. In continuous time, one row for the start of
        each tick and each moment at which something happens to the neuron, with its offset, and `fired` is how often.
    arrivals : DataFrame
        One row per delivery in these ticks: tick, pathway, effect, synapse, pre, pre_name, token, weight, delay_ticks;
        and in continuous time offset.
    comparison : str or None
        What `potential` and `threshold` are, as "left op right".
    """

    neuron: int
    tick: int
    name: str
    fired: bool
    justified: bool | None
    verdict: str
    reasons: tuple[str, ...]
    potential: pd.DataFrame
    arrivals: pd.DataFrame
    comparison: str | None

    def to_json(self):
        """In plain types."""
        tables = {
            name: [{key: _plain(value) for key, value in row.items()} for row in table.to_dict("records")]
            for name, table in (("potential", self.potential), ("arrivals", self.arrivals))
        }
        names = ("neuron", "tick", "name", "fired", "justified", "verdict", "comparison")
        return {name: getattr(self, name) for name in names} | {"reasons": list(self.reasons)} | tables

    def __str__(self):
        did = "fired" if self.fired else "did not fire"
        lines = [f"{self.name} {did} at tick {self.tick}: {self.verdict}", *(f"  {reason}" for reason in self.reasons)]
        if len(self.potential):
            lines += ["", f"potential against threshold ({self.comparison or 'no comparison'})",
                      self.potential.tail(_SHOWN).to_string(index=False)]  # fmt: skip
        cut = f", the last {_SHOWN}" if len(self.arrivals) > _SHOWN else ""
        lines += ["", f"{len(self.arrivals)} arrivals{cut}"]
        if len(self.arrivals):
            lines.append(self.arrivals.tail(_SHOWN).to_string(index=False))
        return "\n".join(lines)

    def plot(self, path=None):
        """Potential, threshold and arrivals over time, as a matplotlib figure, saved when a path is given."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4), layout="constrained")
        top, bottom = figure.subplots(2, sharex=True, height_ratios=(2, 1))
        at, arrived = (table.tick + (table.offset if "offset" in table else 0.0) if len(table) else []
                       for table in (self.potential, self.arrivals))  # fmt: skip
        if self.comparison:
            top.step(at, self.potential.potential, where="post", label="potential")
            top.step(at, self.potential.threshold, "--", where="post", label="threshold")
            top.legend()
        for spike in at[self.potential.fired > 0] if len(self.potential) else ():
            top.axvline(spike, color="0.7", zorder=0)
        bottom.vlines(arrived, 0, self.arrivals.weight)
        bottom.set(xlabel="tick", ylabel="weight")
        top.set_title(self.name)
        if path is not None:
            figure.savefig(path)
        return figure


def _plain(value):
    """A value that JSON holds: numpy's scalars as Python's, what is not finite as None."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def why(trace, neuron, tick, *, ticks=20):
    """Explain a spike, or a silence.

    Parameters
    ----------
    trace : Trace
    neuron : int or str
        An id, "population[index]" or "label[index]".
    tick : int
    ticks : int
        How many ticks are shown, the last one being `tick`.

    Returns
    -------
    Explanation

    Raises
    ------
    ConfigError
        When there is no such neuron or tick.
    """
    neuron = neuron_id(trace, neuron)
    if not 0 <= tick < trace.duration_ticks:
        raise ConfigError(f"there is no tick {tick}; the run has ticks 0 to {trace.duration_ticks - 1}")
    first = max(0, tick - max(ticks, 1) + 1)
    own = trace.spikes(start_tick=first, stop_tick=tick + 1, neurons=[neuron]).tick
    arrivals = _arrivals(trace, neuron, first, tick)
    known = {"neuron": neuron, "tick": tick, "name": name_of(trace, neuron), "fired": bool((own == tick).any()),
             "arrivals": arrivals}  # fmt: skip
    if trace.network.is_source[neuron]:
        return Explanation(**known, **_of_source(trace, neuron, tick))
    try:
        return Explanation(**known, **_of_neuron(trace, neuron, first, tick, own, arrivals))
    except CompileError as error:
        nothing = {"potential": pd.DataFrame(), "comparison": None, "reasons": (), "justified": None}
        return Explanation(**known, verdict=f"it cannot be replayed: {error}", **nothing)


def neuron_id(trace, neuron):
    """The id that an id, "population[index]" or "label[index]" stands for; raises ConfigError when there is none."""
    if isinstance(neuron, str) and not neuron.isdigit():
        match = _INDEXED.match(neuron)
        ids = np.flatnonzero(trace.named(match["group"] if match else neuron))
        if match is None and ids.size != 1:
            raise ConfigError(f"'{neuron}' is {ids.size} neurons; write '{neuron}[k]' with k in 0 to {ids.size - 1}")
        index = int(match["index"]) if match else 0
        if index >= ids.size:
            raise ConfigError(f"'{neuron}' does not exist; k lies in 0 to {ids.size - 1}")
        return int(ids[index])
    neuron = int(neuron)
    if not 0 <= neuron < trace.network.n_neurons:
        raise ConfigError(f"there is no neuron {neuron}; ids run from 0 to {trace.network.n_neurons - 1}")
    return neuron


def name_of(trace, neuron):
    """A neuron's id, with its label or else its population, and its index there."""
    network = trace.network
    p = next(p for p in network.populations if neuron < p.stop)
    path = network.path_id[neuron]
    if path >= 0:
        first = int(np.flatnonzero(network.path_id == path)[0])
        return f"neuron {neuron} ('{network.paths[path]}'[{neuron - first}])"
    return f"neuron {neuron} ('{p.name}'[{neuron - p.start}])"


def _of_source(trace, neuron, tick):
    stimulus = trace.stimulus
    given = bool(((stimulus.tick == tick) & (stimulus.neuron == neuron)).any())
    fired = len(trace.spikes(start_tick=tick, stop_tick=tick + 1, neurons=[neuron])) > 0
    says = "has a spike of it" if given else "has no spike of it"
    return {"justified": given == fired, "verdict": f"it is a spike source, and the stimulus {says} then",
            "reasons": (), "potential": pd.DataFrame(), "comparison": None}  # fmt: skip


def _of_neuron(trace, neuron, first, tick, own, arrivals):
    explain = explain_exactly if trace.clock == "continuous" else _on_the_grid
    table, justified, verdict, comparison = explain(trace, neuron, first, tick)
    fired, below = bool(own.size and own[-1] == tick), comparison is not None and comparison[1] in ("<", "<=")
    return {
        "justified": justified, "verdict": verdict, "potential": table,
        "comparison": " ".join(comparison) if comparison else None,
        "reasons": tuple(_reasons(trace, table, arrivals, fired, justified, neuron, tick, below)),
    }  # fmt: skip


def _on_the_grid(trace, neuron, first, tick):
    """(potential, whether the record is justified, the threshold in words, (left, op, right) of it) of a neuron."""
    replay = Replay(trace, [neuron])
    replay.run(first)
    values, at = replay.values(replay.run(tick + 1, keep=True), neuron), np.arange(first, tick + 1)
    own = trace.spikes(start_tick=first, stop_tick=tick + 1, neurons=[neuron]).tick
    condition, due = condition_of(trace.network, neuron), values.pop("condition")[-1] != 0.0
    variables = {name: column for name, column in values.items() if name in condition.population.state}
    table = pd.DataFrame({"tick": at, "fired": np.isin(at, own)} | variables)
    compared = next((part for part in condition.parts if part.op), None) if condition.operation else None
    if compared:
        for column, side in (("potential", compared.left), ("threshold", compared.right)):
            table[column] = condition.evaluate(side, values, at.tolist())
    comparison = (compared.left, compared.op, compared.right) if compared else None
    return table, bool(due) == bool(table.fired.iloc[-1]), told(condition, values, tick), comparison


def _reasons(trace, table, arrivals, fired, justified, neuron, tick, below):
    """What else decided it, one line each; `below`: it fires when `potential` is below `threshold`, as noise does."""
    if not justified:
        yield "the record contradicts the replay: this is not justified"
    last = _last_spike(trace, neuron, tick)
    period_s = next(p for p in trace.network.populations if neuron < p.stop).refractory_s
    if last is not None:
        yield f"its last spike was at tick {last:.12g}, {tick - last:.12g} ticks before"
        if period_s is not None and tick - last < period_s * 1e3 / trace.dt_ms:
            period = period_s * 1e3 / trace.dt_ms
            yield f"refractory until tick {last + (round(period) if isinstance(last, int) else period):.12g}"
    if "potential" in table and not fired:
        gap = (table.threshold - table.potential).to_numpy()
        gap = -gap if below else gap
        nearest = int(gap.argmin())
        yield f"missing were {gap[-1]:.6g}; nearest it came at tick {table.tick[nearest]}, {gap[nearest]:.6g} short"
    erased = arrivals[arrivals.effect.str.contains("=") & ~arrivals.effect.str.contains(r"[+*/-]=")]
    if len(erased):
        row = erased.iloc[-1]
        yield f"the delivery by synapse {row.synapse} at tick {row.tick} set {row.effect}: what came before was erased"
    starts = trace.stimulus.query_start
    resets = starts[(starts <= tick) & (starts >= table.tick.iloc[0])] if trace.stimulus.reset == "host" else starts[:0]
    if resets.size:
        yield f"the host reset it at tick {resets[-1]}"
    since = arrivals[arrivals.tick > (last if last is not None else -1)]
    up, down = since.weight[since.weight > 0], since.weight[since.weight < 0]
    yield (f"since its last spike, or the first tick shown: {up.size} arrivals of weight {up.sum():.6g} in all, "
           f"{down.size} of weight {down.sum():.6g}")  # fmt: skip


def _last_spike(trace, neuron, tick):
    """The time, in ticks, of a neuron's last spike before a tick, or None; looks back window by window."""
    step = max(1 << 10, trace.duration_ticks * (1 << 20) // max(trace.n_spikes, 1))
    for stop in range(tick, 0, -step):
        spikes = trace.spikes(start_tick=max(stop - step, 0), stop_tick=stop, neurons=[neuron])
        if len(spikes):
            return int(spikes.tick[-1]) if spikes.offset is None else float(spikes.tick[-1] + spikes.offset[-1])
    return None


def _arrivals(trace, neuron, first, tick):
    """DataFrame of what reached a neuron in ticks first to `tick`."""
    network = trace.network
    slot_of = np.full(network.n_neurons, -1, dtype=np.int64)
    slot_of[neuron] = 0
    place = {o.index: place for place, o in enumerate(network.schedule) if o.kind == "deliver"}
    place_of = np.array([place.get(k, -1) for k in range(len(network.pathways))], dtype=np.int64)
    afferents = Afferents(network, trace.stimulus, slot_of, place_of)
    longest = int(network.delay[afferents.synapse].max(initial=0))
    spikes = trace.spikes(start_tick=first - longest, stop_tick=tick + 1)
    columns = afferents.unsorted(tick + 1, spikes)
    kept = columns[0] >= first
    arrived, synapse, *offset = (column[kept] for column in columns)
    order = np.lexsort((place_of[network.pathway_of[synapse]], *offset, arrived))  # stable: older spikes stay first
    arrived, synapse, *offset = (column[order] for column in (arrived, synapse, *offset))
    pre = network.pre[synapse]
    pathways = [network.pathways[p] for p in network.pathway_of[synapse]]
    signs = {"add": "+=", "set": "=", "multiply": "*=", "divide": "/="}
    return pd.DataFrame({"tick": arrived} | ({"offset": offset[0]} if offset else {}) | {
        "pathway": [p.name for p in pathways],
        "effect": ["; ".join(f"{v} {signs[op]} {value}" for v, op, value in p.effects) for p in pathways],
        "synapse": synapse, "pre": pre, "pre_name": [name_of(trace, i) for i in pre], "token": network.token[pre],
        "weight": network.weight[synapse], "delay_ticks": network.delay[synapse],
    }).astype({"effect": str, "pathway": str, "pre_name": str})  # fmt: skip

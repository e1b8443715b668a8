"""sanafe_files: a network, its placement and an energy table as the input files of SANA-FE, a simulator by others.

SANA-FE (J. Boyle et al., IEEE TCAD 2025; SLAM-Lab/SANA-FE) reads an architecture and a network in YAML. It is a program
of its own and no part of this one; what it finds for these files is compared with what is counted here. Its neuron adds
what arrived to a decaying potential and fires above a threshold, so a network must be of such neurons, and its messages
take no time: delays of 0 ticks.
"""

from fractions import Fraction

import numpy as np

from eventsim.counts import HOST
from eventsim.errors import ConfigError
from hardware_models.integers.linear_cells import linear_cells

__all__ = ["architecture", "network_and_mapping"]

_INPUT = "source"


def architecture(placement, table):
    """The architecture file: the chip's mesh, with the energies of a table of it.

    Parameters
    ----------
    placement : Placement
        On one chip. Each spike source takes an input unit of the core at which its spikes enter.
    table : str
        Gives energies of updates, spikes, synaptic events, messages out and hops.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        The table lacks one of these energies.
    """
    chip, mesh = placement.chip, placement.chip.mesh
    energy = chip.tables[table].energy.given()
    needed = ("neuron_update_idle_pj", "neuron_update_active_pj", "spike_pj", "synaptic_event_pj", "message_out_pj",
              "hop_east_west_pj", "hop_north_south_pj")  # fmt: skip
    lacking = [key for key in needed if key not in energy]
    if lacking:
        raise ConfigError(f"table '{table}' of {chip.name} does not give {lacking[0]}, which SANA-FE prices")
    idle, active, spike, event, message, along_row, along_column = (energy[key].exact for key in needed)
    entered = placement.enters_at if placement.enters_at is not None else np.full(1, HOST)
    sources = int(np.bincount(entered[entered != HOST], minlength=1).max())
    tiles = mesh.width_tiles.value * mesh.height_tiles.value
    inputs = _unit("soma", f"{_INPUT}[0..{sources - 1}]", model="input", energy_access_neuron=0,
                   energy_update_neuron=0, energy_spike_out=0) if sources else ""  # fmt: skip
    hops = "".join(f"        energy_{side}_hop: {_joules(price)}\n        latency_{side}_hop: 0.0\n"
                   for sides, price in ((("north", "south"), along_column), (("east", "west"), along_row))
                   for side in sides)  # fmt: skip
    return (
        "architecture:\n  name: chip\n  attributes:\n    topology: mesh\n"
        f"    width: {mesh.width_tiles.value}\n    height: {mesh.height_tiles.value}\n    link_buffer_size: 16\n"
        f"    sync_model: fixed\n    latency_sync: 0.0\n  tile:\n    - name: tile[0..{tiles - 1}]\n      attributes:\n"
        f"{hops}      core:\n        - name: core[0..{mesh.cores_per_tile.value - 1}]\n          attributes:\n"
        "            buffer_position: soma\n            buffer_inside_unit: false\n"
        f"            max_neurons_supported: {chip.limits.neurons_per_core.value}\n"
        + _unit("axon_in", "arriving", energy_message_in=0)
        + _unit("synapse", "synapses", model="current_based", energy_process_spike=event)
        + _unit("dendrite", "sums", model="accumulator", energy_update=0)
        + _unit("soma", "cells", model="leaky_integrate_fire", energy_access_neuron=idle,
                energy_update_neuron=active - idle, energy_spike_out=spike)
        + inputs.replace("          soma:\n", "")
        + _unit("axon_out", "leaving", energy_message_out=message)
    )  # fmt: skip


def _unit(kind, name, model=None, **energies):
    """One unit of a core; every energy has a latency beside it, which is not compared and is 0."""
    text = f"          {kind}:\n            - name: {name}\n              attributes:\n"
    text += f"                model: {model}\n" if model else ""
    for key, value in energies.items():
        text += f"                {key}: {_joules(value)}\n                {key.replace('energy', 'latency')}: 0.0\n"
    return text


def _joules(pj):
    return repr(float(Fraction(pj) / 10**12))


def network_and_mapping(network, placement, stimulus):
    """The network file: neurons, synapses, spikes of the sources, and the core of each neuron.

    Parameters
    ----------
    network : CompiledNetwork
        Populations of spike sources and of neurons whose potential decays by a factor, delays of 0 ticks.
    placement : Placement
        Where `enters_at` says of each source at which core it enters.
    stimulus : Stimulus

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        A neuron or synapse that SANA-FE has no such thing for, or a source that enters nowhere.
    """
    if network.delay.any():
        raise ConfigError(f"a delay of {network.delay.max()} ticks; messages of SANA-FE arrive in their own tick")
    if network.is_source.any() and placement.enters_at is None:
        raise ConfigError("the placement does not say where spikes of sources enter; give enters_at")
    lines = ["network:", "  name: network", "  groups:"]
    for k, population in enumerate(network.populations):
        lines += [f"    - name: p{k}", "      attributes: [log_spikes: true]", "      neurons:"]
        lines += _sources(population, stimulus) if population.is_source else _cells(network, k)
    lines.append("  edges:")
    for pathway in network.pathways:
        source, target = (network.populations[end].start for end in (pathway.source, pathway.target))
        part = pathway.synapses
        ends = zip(network.pre[part] - source, network.post[part] - target, _weights(network, pathway, part))
        lines += [f"    - p{pathway.source}.{pre} -> p{pathway.target}.{post}: [weight: {weight!r}]"
                  for pre, post, weight in ends]  # fmt: skip
    return "\n".join([*lines, "mappings:", *_mapped(network, placement)]) + "\n"


def _sources(population, stimulus):
    for i in range(population.size):
        at = stimulus.tick[stimulus.neuron == population.start + i]
        train = np.zeros(int(at.max(initial=-1)) + 1, dtype=np.int64)
        train[at] = 1
        yield f"        - {i}: [spikes: {train.tolist()}]"


def _cells(network, k):
    cells, name = linear_cells(network, k), network.populations[k].name
    if cells.keep_u.any() or (cells.refractory > 1).any() or cells.start.any():
        raise ConfigError(f"population '{name}' has a current that decays, a refractory period, or does not start at "
                          "rest; SANA-FE's neurons do not, or not in the same way")  # fmt: skip
    if cells.wipes:
        raise ConfigError(f"population '{name}' loses what arrives in the tick of a spike, for its reset comes after "
                          "the synapses; SANA-FE's neurons keep it: put resets before synapses in the schedule")
    if cells.drop is not None and (cells.drop != cells.threshold).any():
        raise ConfigError(f"population '{name}' subtracts something other than its threshold")
    mode = "hard" if cells.drop is None else "soft"
    above = cells.threshold if cells.strict else np.nextafter(cells.threshold, -np.inf)  # SANA-FE fires above only
    for i, (threshold, keep, bias) in enumerate(zip(above.tolist(), cells.keep_v.tolist(), cells.bias.tolist())):
        yield (f"        - {i}: [threshold: {threshold!r}, reset: 0.0, reset_mode: {mode}, leak_decay: {keep!r}, "
               f"bias: {bias!r}]")  # fmt: skip


def _weights(network, pathway, part):
    """What each synapse adds to a potential."""
    (variable, *effect), *more = pathway.effects
    if effect != ["add", "weight"] or more:
        raise ConfigError(f"pathway '{pathway.name}' does more than to add its weights; SANA-FE's synapses do not")
    gain = linear_cells(network, pathway.target).gain[variable]
    return (gain[network.post[part] - network.populations[pathway.target].start] * network.weight[part]).tolist()


def _mapped(network, placement):
    per_tile, taken = placement.chip.mesh.cores_per_tile.value, {}
    for k, population in enumerate(network.populations):
        for i in range(population.size):
            core = int(placement.sent_from[population.start + i])
            if core == HOST:
                raise ConfigError(f"source {population.start + i} enters at no core; give enters_at")
            unit = "cells"
            if population.is_source:
                taken[core] = taken.get(core, -1) + 1
                unit = f"{_INPUT}[{taken[core]}]"
            yield f'  - p{k}.{i}: [core: {core // per_tile}.{core % per_tile}, soma: "{unit}"]'

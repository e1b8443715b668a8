"""check_consistency: what the types of a chip file cannot say.

Known features, room on a core, a mesh that adds up and can be numbered, tables that can be summed and whose intervals
go from low to high, a unit at the end of each free key, and no silent gap: a number that is left out is listed under
`unpublished`.
"""

from eventsim.collected import MOST_CORES
from eventsim.errors import ConfigError
from hardware_models.chips.features import FEATURES
from hardware_models.chips.figures import UNITS, unit_of

__all__ = ["check_consistency"]

_MOST = 10**15
_MOST_BITS = 32  # of a weight
_MOST_OF_A_BLOCK = 4096  # bits of a field or word, and synapses

#: Part of a table -> (key, other key): the first is of less work and costs no more, or intervals would be upside down.
_RISING = {
    "energy": (("neuron_update_idle_pj", "neuron_update_active_pj"),),
    "time": (("neuron_update_idle_ns", "neuron_update_active_ns"), ("barrier_one_tile_ns", "barrier_all_tiles_ns")),
}


def check_consistency(chip, path):
    """Raise ConfigError, one line with the file and the key, for the first thing that does not go together."""
    for rule in (_features, _gaps, _limits, _synapse_memory, _mesh, _tables, _facts):
        for key, complaint in rule(chip):
            raise ConfigError(f"{path}: `$.{key}` {complaint}")


def _features(chip):
    for name in chip.lacks or ():
        if name not in FEATURES:
            yield f"lacks.{name}", f"is unknown; allowed are {', '.join(FEATURES)}"


def _gaps(chip):
    """What is neither given nor listed as unpublished."""
    expected = [f"limits.{name}" for name in chip.limits.__struct_fields__ if name != "targets_per_neuron"]
    expected += [f"mesh.{name}" for name in chip.mesh.__struct_fields__]
    if chip.static is not None:
        expected += ["static.process", "static.voltage_v"]
    expected += ["lacks", *(f"tables.{name}.voltage_v" for name in chip.tables)]
    if any(table.scope == "per_operation" and table.static is None for table in chip.tables.values()):
        expected.append("static")
    for key in expected:
        part = chip
        for name in key.split("."):
            part = part[name] if isinstance(part, dict) else getattr(part, name)
        if part is None and key not in chip.unpublished:
            yield key, f'is missing; give it, or say under [unpublished."{key}"] where it was looked for'
        if part is not None and key in chip.unpublished:
            yield key, "is given and listed under unpublished; take one of the two out"


def _limits(chip):
    for name in chip.limits.__struct_fields__:
        count, most = getattr(chip.limits, name), _MOST_BITS if name == "weight_bits" else _MOST
        if count is not None and not 1 <= count.value <= most:
            yield f"limits.{name}.value", f"is {count.value}; give 1 to {most}"


def _synapse_memory(chip):
    """Fields that fit into words and blocks: what is 0 would make a list of no length."""
    for name in chip.synapse_memory.__struct_fields__ if chip.synapse_memory else ():
        count, least = getattr(chip.synapse_memory, name).value, 0 if name == "header_bits" else 1
        if not least <= count <= _MOST_OF_A_BLOCK:
            yield f"synapse_memory.{name}.value", f"is {count}; give {least} to {_MOST_OF_A_BLOCK}"


def _mesh(chip):
    mesh = chip.mesh
    for name in mesh.__struct_fields__:
        count = getattr(mesh, name)
        if count is not None and not 1 <= count.value <= MOST_CORES:
            yield f"mesh.{name}.value", f"is {count.value}; give 1 to {MOST_CORES}, all the cores that can be numbered"
    sides = (mesh.width_tiles, mesh.height_tiles, mesh.cores_per_tile)
    if mesh.cores_per_chip is None or None in sides:
        return
    product = sides[0].value * sides[1].value * sides[2].value
    if product != mesh.cores_per_chip.value:
        yield "mesh.cores_per_chip", (f"is {mesh.cores_per_chip.value}, but width x height x cores_per_tile is "
                                      f"{product}; make them agree")  # fmt: skip


def _tables(chip):
    for name, table in chip.tables.items():
        given = table.energy.given()
        if not given or (table.scope == "all_in" and len(given) > 1):
            yield f"tables.{name}.energy", (f"has {len(given)} figures; a per_operation table has at least one, an "
                                            "all_in table exactly one")  # fmt: skip
        if ("neuron_update_idle_pj" in given) != ("neuron_update_active_pj" in given):
            yield f"tables.{name}.energy", ("gives one of neuron_update_idle_pj and neuron_update_active_pj; give both")
        if (table.scope == "all_in") != (table.operating_point is not None):
            yield f"tables.{name}.operating_point", "goes with an all_in table, and with no other; give or remove it"
        if table.scope == "all_in" and table.static is not None:
            yield f"tables.{name}.static", "is held by an all_in figure already; remove it"
        yield from _falling(name, table)


def _falling(name, table):
    """Figures of a table that are smaller than those of less work."""
    for part, pairs in _RISING.items():
        for less, more in pairs:
            low, high = (getattr(getattr(table, part), key, None) for key in (less, more))
            if low is not None and high is not None and high.value < low.value:
                complaint = f"is {high.value}, and `{less}` {low.value}; give at least as much for more work"
                yield f"tables.{name}.{part}.{more}.value", complaint


def _facts(chip):
    for key in chip.facts:
        if unit_of(key) is None:
            yield f"facts.{key}", f"has no unit; end the key in one of _{', _'.join(UNITS)}"

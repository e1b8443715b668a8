"""The source of a delivery: what a pathway does to its receivers' state, and how it is counted."""

from eventsim.compiled_network import EFFECTS
from eventsim.counts import KINDS
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate
from eventsim.grid import templates
from eventsim.grid.statements import readable, time_names

__all__ = ["deliver"]

_KIND = {name: index for index, name in enumerate(KINDS)}


def deliver(network, operation, layout, plan):
    p = operation.index
    pathway, way = network.pathways[p], plan.storage.ways[p]
    g, activate, touch, landed = pathway.target, "", "", f"                            landed{pathway.target} += done\n"
    if g in plan.by_touch:
        zero = templates.TOUCH_ZERO.format(g=g, **_KIND) if way != "none" else ""
        is_idle, mark, largest = templates.IS_IDLE, templates.MARK, ""
        if g in plan.decays:
            value = f"{layout.names(g)[plan.decays[g].variable]}[i]"
            is_idle, mark = templates.IS_IDLE_DECAYING, templates.MARK_DECAYING.format(g=g, value=value)
            largest = templates.LARGEST.format(g=g, value=value)
        activate = templates.ACTIVATE.format(g=g, is_idle=is_idle.format(g=g), mark=mark.format(g=g))
        touch = largest + templates.TOUCH.format(g=g, **_KIND) + zero
        landed = templates.TOUCHED_ROW.format(g=g, **_KIND)
    event = {"event_start": templates.EVENT_START, "event": templates.EVENT, "event_stop": templates.EVENT_STOP}
    return templates.DELIVER.format(
        where=f"delivery by pathway {p}", p=p, s=pathway.source, g=g, every=operation.every,
        effects=_effects(network, operation, layout, plan), ask=_ask(p, plan.storage),
        of_row=templates.ROW_WEIGHT[way].format(p=p), weight=templates.WEIGHT[way],
        count=_count(g, way, plan.storage.counts_classes), activate=activate,
        touch=touch, landed=landed,
        **{name: text.format(p=p) if plan.records_events else "" for name, text in event.items()},
    )  # fmt: skip


def _ask(p, storage):
    """Source that asks for rows ahead of time, where they are in no cache."""
    codes = templates.ASK_CODES if storage.ways[p] == "code" else ""
    return templates.ASK.format(p=p, codes=codes) if storage.is_large else ""


def _count(g, way, counts_classes):
    """Source that counts one delivery in its neuron's class of weight."""
    indent, by_class = " " * 32, f"np.uint64({{c}}) * np.uint64(n{g}) + np.uint64(i)"
    if way == "none":
        return f"{indent}counts{g}[i] += 1\n"
    if counts_classes:
        return f"{indent}counts{g}[{by_class.format(c='c')}] += 1\n"
    return f"{indent}counts{g}[{by_class.format(c='w == 0.0')}] += 1\n{indent}sums{g}[i] += w\n"


def _effects(network, operation, layout, plan):
    """Source of what a delivery does to its target's state."""
    pathway = network.pathways[operation.index]
    target, places = network.populations[pathway.target], layout.names(pathway.target)
    where = f"delivery by pathway {operation.index}"
    sent = readable(network, pathway.source, layout.names(pathway.source), "all_{}[history[at + j]]")
    known = readable(network, pathway.target, places, "{}[i]") | {"weight": "w"}
    known |= {name: sent[variable] for name, variable in pathway.senders.items()}
    known |= {name: layout.constant(value) for name, value in sorted(pathway.constants.items())}
    known |= time_names(operation, known)
    parking, lines = plan.parked.get(pathway.target), []
    for variable, op, value in pathway.effects:
        if variable not in target.state or op not in EFFECTS:
            raise CompileError(pathway.name, f"the effect {op} on '{variable}'",
                               f"{', '.join(EFFECTS)}, on a variable of the target")  # fmt: skip
        is_constant = not names_in(value, where)
        constant = layout.constant(float(evaluate(value, {}, where))) if is_constant else None
        expression = constant or translate(value, known, where)
        guard = None if parking and parking.variable == variable else target.guards.get(variable)
        condition = f"if {places[guard]}[i] != 0.0: " if guard else ""
        lines.append(f"{' ' * 32}{condition}{places[variable]}[i] {EFFECTS[op]} {expression}\n")
    return "".join(lines)

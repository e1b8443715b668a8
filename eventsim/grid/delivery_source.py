"""The source of a delivery: what a pathway does to its receivers' state."""

from textwrap import indent

from eventsim.compiled_network import EFFECTS
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate
from eventsim.grid import delivery_templates, touch_templates
from eventsim.grid.sleep_source import woken
from eventsim.grid.statements import is_time, readable, time_names

__all__ = ["deliver"]


def deliver(network, operation, layout, plan):
    p = operation.index
    pathway, way = network.pathways[p], plan.storage.ways[p]
    write = _stretches if p in plan.storage.stretched else _row
    events = plan.records_events
    return delivery_templates.DELIVER.format(
        where=f"delivery by pathway {p}", p=p, s=pathway.source, is_time=is_time(operation), ask=_ask(p, plan.storage),
        sender=delivery_templates.SENDER.format(p=p) if pathway.senders else "",
        came=delivery_templates.CAME_NONE.format(p=p) if plan.aside else "",
        counted=(delivery_templates.CAME if plan.aside else delivery_templates.COUNT_ROWS).format(p=p),
        of_row=delivery_templates.ROW_WEIGHT[way].format(p=p), each=write(network, operation, layout, plan),
        event_start=delivery_templates.EVENT_START.format(p=p) if events else "",
        event_stop=delivery_templates.EVENT_STOP if events else "",
    )  # fmt: skip


def _row(network, operation, layout, plan):
    """Source that delivers a row synapse by synapse."""
    event, g = delivery_templates.EVENT if plan.records_events else "", network.pathways[operation.index].target
    wake = woken(layout, plan, g)
    return delivery_templates.ROW.format(each=wake + _delivery(network, operation, layout, plan), event=event)


def _stretches(network, operation, layout, plan):
    """Source that delivers a row stretch by stretch."""
    each, g = indent(_delivery(network, operation, layout, plan), "    "), network.pathways[operation.index].target
    wake = woken(layout, plan, g, by_stretch=True)
    event = delivery_templates.EVENTS_OF_ROW if plan.records_events else ""
    return delivery_templates.STRETCHES.format(each=each, wake=wake, event=event)


def _delivery(network, operation, layout, plan):
    """Source of one delivery, to neuron `i`."""
    activate, largest = _touch(network.pathways[operation.index].target, layout, plan)
    weight = delivery_templates.WEIGHT[plan.storage.ways[operation.index]]
    return weight + activate + _effects(network, operation, layout, plan) + largest


def _touch(g, layout, plan):
    """What a delivery to population g does before and after its effect, where this runs by touch."""
    if g not in plan.by_touch:
        return "", ""
    value = f"{layout.names(g)[plan.decays[g].variable]}[i]"
    is_idle, mark = touch_templates.IS_IDLE.format(g=g), touch_templates.MARK.format(g=g, value=value)
    activate = touch_templates.ACTIVATE.format(g=g, is_idle=is_idle, mark=mark)
    return activate, touch_templates.LARGEST.format(g=g, value=value)


def _ask(p, storage):
    """Source that asks for rows ahead of time, where they are in no cache."""
    codes = delivery_templates.ASK_CODES if storage.ways[p] == "code" else ""
    return delivery_templates.ASK.format(p=p, codes=codes) if storage.is_large and p not in storage.stretched else ""


def _effects(network, operation, layout, plan):
    """Source of what a delivery does to its target's state."""
    pathway = network.pathways[operation.index]
    target, places = network.populations[pathway.target], layout.names(pathway.target)
    where = f"delivery by pathway {operation.index}"
    sent = readable(network, pathway.source, layout.names(pathway.source), "all_{}[sender]")
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
        lines.append(f"{' ' * 24}{condition}{places[variable]}[i] {EFFECTS[op]} {expression}\n")
    return "".join(lines)

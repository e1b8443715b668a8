"""The source of a population whose blocks sleep, ramps among them: its pass in a tick, and what wakes a block."""

from eventsim.grid import sleep_templates
from eventsim.grid.population_source import counted_spikes
from eventsim.grid.sleep import BLOCK
from eventsim.grid.statements import StatementWriter

__all__ = ["asleep", "ramps", "woken"]


def asleep(network, operations, layout, plan):
    """Updates and threshold of a population that may sleep, one pass over the blocks that are awake."""
    k, each, views, written = operations[0].index, "", "", []
    for operation in operations:
        writer = StatementWriter(network, operation, layout, blocked=True)
        each += writer.lines(operation.each, 20) + (sleep_templates.TO_FIRE if operation.kind == "threshold" else "")
        written += [writer.places[s.variable] for s in operation.each if s.variable in writer.places]
    if k in plan.ramps:
        behind = _caught_up(layout, plan, k, "tick", 16) + sleep_templates.STEPPED.format(k=k)
        rest = sleep_templates.SLEEP_ON.format(k=k, **_line(layout, plan, k))
    elif k in plan.settling:
        behind, rest = "", sleep_templates.SLEEP.format(k=k)
    else:
        each, behind, rest = _compared(each, written), "", sleep_templates.SLEEP_UNMOVED.format(k=k)
    views = "".join(line[4:] for line in writer.views(each).splitlines(keepends=True))
    return sleep_templates.ASLEEP.format(
        where=f"population {k}", k=k, size=BLOCK, behind=behind, views=views, each=each, rest=rest,
        counted=counted_spikes(k, plan),
    )  # fmt: skip


def _compared(each, written):
    """Source of a pass over a neuron that also sees whether anything that it writes has moved."""
    places = [f"{place}[i]" for place in dict.fromkeys(written)]
    held = "".join(sleep_templates.HELD.format(n=n, place=place) for n, place in enumerate(places))
    moved = "".join(sleep_templates.MOVED.format(n=n, place=place) for n, place in enumerate(places))
    return held + each + moved


def ramps(network, layout, plan, k):
    """(begin, end) of a call of the kernel, for a population of ramps."""
    operation = next(o for o in network.schedule if o.kind == "threshold" and o.index == k)
    ramp, writer = plan.ramps[k], StatementWriter(network, operation, layout)
    parameters = {name: writer.places[name] for owner, name in layout.floats if owner == k}
    if ramp.limit in parameters:
        limits = sleep_templates.LIMIT.format(k=k, limit=parameters[ramp.limit])
    else:
        limits = sleep_templates.LIMITS.format(k=k, limit=writer.expression(ramp.limit))
    begin = sleep_templates.RAMPS.format(
        k=k, limits=limits, scale=layout.constant(ramp.scale), reach=layout.constant(ramp.reach)
    )
    return begin, sleep_templates.RAMPS_AT_END.format(k=k) + _caught_up(layout, plan, k, "stop", 8)


def _caught_up(layout, plan, k, tick, indent):
    """Source that brings block `b` of a population up to the start of a tick, where that sleeps on as a ramp."""
    if k not in plan.ramps:
        return ""
    return sleep_templates.CATCH_UP.format(k=k, indent=" " * indent, tick=tick, **_line(layout, plan, k))


def _line(layout, plan, k):
    places = layout.names(k)
    return {"variable": places[plan.ramps[k].variable], "slope": places[plan.ramps[k].slope]}


def woken(layout, plan, g, by_stretch=False):
    """Source by which a delivery wakes what it reaches of population g, where this may sleep: the block of neuron `i`,
    or those of a stretch. A block of ramps is first brought up to the end of this tick's pass."""
    if g not in plan.sleeping:
        return ""
    template, indent = (sleep_templates.WAKE_STRETCH, 28) if by_stretch else (sleep_templates.WAKE, 24)
    return template.format(g=g, size=BLOCK, behind=_caught_up(layout, plan, g, "tick + 1", indent))

"""The source of a grid kernel, written from a network's schedule.

Every population and pathway runs its own statements, in Brian2's order, with nothing interpreted in the loop. The
source depends on the model and on the plan only (which statements, which effects, how weights are stored), never on
sizes, weights or names: all arrays and constants are arguments. A foreign name or text never reaches it: see
`eventsim.expressions.translate`.

Invariants of the kernel
- `history` keeps, for each population and each of the last `depth` ticks, the neurons that fired, ascending.
  A pathway delivers at tick t, for each delay d from the longest to zero, the rows of the spikes of tick
  t - d: older spikes first, then by sending neuron, then by synapse, which is the order of Brian2's queue.
- A part (see `eventsim.grid.parts`) writes the state of its own neurons only. Within a tick, parts meet only before a
  delivery without delay, for which all must have fired; between ticks, as seldom as `eventsim.grid.phases` says.
- Deliveries of a pathway are counted one by one. Those of each core and neuron are counted by row, once: when the
  row's are done, from the lists that it was delivered from (see `eventsim.grid.spread`), or, where each spike of a
  population sends a single row, or where rows of a kind are alike, when it is sent (see `eventsim.grid.single`,
  `eventsim.grid.alike`).
- Nothing is summed in parallel, and there is no fastmath: the bits are the same for any number of parts.
- Updates and thresholds of different populations do not touch each other, so those between two deliveries are grouped
  by population.
- Of a population that may sleep, blocks of which a pass moved nothing are passed over until a delivery wakes them: it
  would move nothing again (see `eventsim.grid.sleep`). Blocks of ramps are passed over until one may fire; what comes
  to one of them finds it where it would be by then (see `eventsim.grid.ramps`).
- Of a population that runs by touch, `active` lists for each part the neurons that something may have changed since
  their last test: touched by a delivery, or fired. The others would not fire, and only decay (see
  `eventsim.grid.decay`).
- A neuron that is parked (see `eventsim.grid.parking`) has -infinity for a potential while the kernel runs; between two
  runs the state is what Brian2's would be.
"""

import re
from textwrap import indent

import numpy as np

from eventsim.errors import CompileError
from eventsim.grid import delivery_templates, sleep_templates, templates, touch_templates
from eventsim.grid.arrays import GridArrays
from eventsim.grid.decay import POWERS
from eventsim.grid.delivery_source import deliver
from eventsim.grid.layout import Layout
from eventsim.grid.phases import phases_of, segments_of
from eventsim.grid.plan import plan_for
from eventsim.grid.population_source import fire, reset, touched, update
from eventsim.grid.sleep import BLOCK
from eventsim.grid.sleep_source import asleep, ramps
from eventsim.grid.statements import is_time
from eventsim.philox import STEPS_AT_ONCE

__all__ = ["SHARED", "kernel_source"]

#: Modules of `eventsim.grid` whose functions all kernels call, compiled once.
SHARED = ("announcing", "collecting", "counting", "ticks")

_WRITERS = {"threshold": fire, "reset": reset}


def kernel_source(network, plan=None, **shared):
    """The kernel's source text and the values of its constants.

    Parameters
    ----------
    network : CompiledNetwork
    plan : eventsim.grid.plan.Plan, optional
        The one that suits the network if left out.
    **shared : str
        Modules that stand for those of `SHARED`, by name.

    Returns
    -------
    source : str
        A module whose `run` takes (part, first_tick, last_tick, GridArrays).
    constants : (n_constants,) float64

    Raises
    ------
    CompileError
        When a statement leaves the grammar of `eventsim.expressions`.
    """
    plan = plan_for(network) if plan is None else plan
    layout = Layout(network)
    emissions = "".join(_emit(o, plan) for o in network.schedule if o.kind == "emit")
    phases = templates.MEET.join(
        "".join(_segment(network, segment, layout, plan) for segment in segments_of(operations))
        for operations in phases_of(network)
    )
    named = sorted({o.index for o in network.schedule if o.kind not in ("emit", "deliver")})
    targets = sorted({p.target for p in network.pathways})
    decaying = [_decay(k, layout, plan) for k in plan.decaying]
    rising = [ramps(network, layout, plan, k) for k in sorted(plan.ramps)]
    begin = "".join(text for text, _ in decaying + rising)
    begin += "".join(_parked(layout, plan, k, templates.PARK) for k in sorted(plan.parked))
    end = "".join(_parked(layout, plan, k, templates.UNPARK) for k in sorted(plan.parked))
    views = "".join(templates.OF_POPULATION.format(k=k) for k in sorted({*named, *targets}))
    views += "".join(sleep_templates.AWAKE.format(k=k, size=BLOCK) for k in sorted(plan.sleeping))
    views += "".join(templates.DRAWN.format(n=n, k=k, ahead=STEPS_AT_ONCE) for n, k in enumerate(layout.drawn))
    views += layout.views({*named, *targets}, plan.parked) + _views_of_senders(network, layout)
    source = _with_names(
        templates.RUN, views=views, begin=begin, emissions=emissions, phases=phases,
        end=end + "".join(text for _, text in decaying + rising),
        due=touch_templates.DUE if decaying else "", doubt=touch_templates.DOUBT if decaying else "",
        collect=(templates.COLLECT_ASIDE if plan.aside else templates.COLLECT).format(
            collected=touch_templates.DECIDED if decaying else "stop"
        ),
        late="" if plan.aside else templates.LATE, finish=templates.FINISH_ASIDE if plan.aside else "",
        uncounted="stop - before" if plan.aside else "np.int64(0)",
        event_room=delivery_templates.EVENT_ROOM if plan.records_events else "",
        event_mark=delivery_templates.EVENT_MARK if plan.records_events else "",
    )  # fmt: skip
    module = templates.MODULE.format(**{name: f"eventsim.grid.{name}" for name in SHARED} | shared)
    return module + source, np.array(layout.constants, dtype=np.float64)


def _with_names(template, **parts):
    """A filled template, with a line for each array and constant that it names; each line costs time to compile.

    A constant is a number by then: of a place in an array nobody knows whether a loop over neurons changes it.
    """
    text = template.format(names="", **parts)
    words, constants = set(re.findall(r"\w+", text)), sorted(set(map(int, re.findall(r"\bconstant(\d+)\b", text))))
    names = "".join(f"    {name} = a.{name}\n" for name in GridArrays._fields if name in words)
    names += "".join(f"    constant{n} = a.constants[{n}]\n" for n in constants)
    return template.format(names=names, **parts)


def _views_of_senders(network, layout):
    """Source of names for whole variables that deliveries read of their senders, whichever part these are in."""
    read = {(p.source, variable) for p in network.pathways for variable in p.senders.values()}
    return "".join(sorted(layout.whole(k, variable) for k, variable in read))


def _parked(layout, plan, k, template):
    return template.format(k=k, place=layout.names(k)[plan.parked[k].variable])


def _decay(k, layout, plan):
    """What a call of the kernel begins and ends with, for a population that decays by touch."""
    decay, at = plan.decays[k], POWERS * sorted(plan.decays).index(k)
    numbers = {name: layout.constant(getattr(decay, name)) for name in ("rest", "factor", "slack")}
    value = f"{layout.names(k)[decay.variable]}[i]"
    return (touch_templates.DECAY_BEGIN.format(k=k, at=at, size=POWERS, **numbers),
            touch_templates.DECAY_AT_END.format(k=k, value=value))  # fmt: skip


def _segment(network, operations, layout, plan):
    """Source of one segment; an update right before a threshold shares its loop."""
    if operations[0].kind == "deliver":
        return deliver(network, operations[0], layout, plan)
    if operations[0].kind in ("update", "threshold"):
        for populations, write in ((plan.by_touch, touched), (plan.sleeping, asleep)):
            if operations[0].index in populations:
                return write(network, operations, layout, plan)
    source, waiting = "", None
    for operation in operations:
        if waiting is not None and operation.kind == "threshold" and operation.every == waiting.every:
            source += fire(network, operation, layout, plan, waiting)
            waiting = None
            continue
        if waiting is not None:
            source += update(network, waiting, layout, plan)
            waiting = None
        if operation.kind == "update":
            waiting = operation
        elif operation.kind in _WRITERS:
            source += _WRITERS[operation.kind](network, operation, layout, plan)
        else:
            name = network.populations[operation.index].name
            raise CompileError(
                name, f"the operation '{operation.kind}'", f"emit, update, deliver, {', '.join(_WRITERS)}"
            )
    return source + (update(network, waiting, layout, plan) if waiting is not None else "")


def _emit(operation, plan):
    k = operation.index
    announced = "" if plan.aside else indent(templates.ANNOUNCE.format(k=k), "    ")
    return templates.EMIT.format(where=f"emission of population {k}", k=k, is_time=is_time(operation),
                                 announced=announced)  # fmt: skip

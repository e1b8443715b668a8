"""The source of what a population does in a tick: update, threshold, reset; all of its neurons, or those touched."""

from dataclasses import replace

from eventsim.errors import CompileError
from eventsim.grid import templates, touch_templates
from eventsim.grid.chance import LEAST_LOG, draws, screen_of
from eventsim.grid.statements import StatementWriter, is_time
from eventsim.philox import LEAST_LOG_OF_ALL, STEPS_AT_ONCE

__all__ = ["counted_spikes", "fire", "reset", "touched", "update"]


def counted_spikes(k, plan):
    """Source that tells of the spikes of population k in this tick, and counts them."""
    return templates.FIRED.format(k=k, announced="" if plan.aside else templates.ANNOUNCE.format(k=k))


def update(network, operation, layout, plan):
    writer = StatementWriter(network, operation, layout, blocked=True)
    parking = plan.parked.get(operation.index)
    once = writer.lines(operation.once, 16, per_neuron=False)
    each = writer.lines(parking.update if parking else operation.each, 24, guarded=not parking)
    return templates.UPDATE.format(
        where=writer.where, k=operation.index, is_time=is_time(operation), once=once, each=each or " " * 24 + "pass\n",
        back=_come_back(network, operation, layout, parking), views=writer.views(each),
        blocks=templates.BLOCKS.format(k=operation.index),
    )  # fmt: skip


def _come_back(network, operation, layout, parking):
    """Source by which parked neurons take part again, once their rest is over."""
    if parking is None:
        return ""
    k, places = operation.index, layout.names(operation.index)
    writer = StatementWriter(network, operation, layout)
    over = " " * 20 + f"is_over = {writer.expression(parking.over.expression)}\n"
    return templates.COME_BACK.format(
        k=k, over=over, place=places[parking.variable], guard=places[parking.over.variable]
    )


def fire(network, operation, layout, plan, update=None):
    """A threshold, perhaps with the update before it."""
    k, once, update_each, back = operation.index, "", "", ""
    parking, rest = plan.parked.get(k), ""
    if update is not None:
        writer = StatementWriter(network, update, layout, blocked=True)
        once = writer.lines(update.once, 16, per_neuron=False)
        update_each = writer.lines(parking.update if parking else update.each, 24, guarded=not parking)
        back = _come_back(network, update, layout, parking)
    if parking:
        rest = templates.REST.format(k=k, place=layout.names(k)[parking.variable])
    tests = parking.threshold if parking else operation.each
    if not tests:
        raise CompileError(f"threshold of population {k}", "no condition", "a statement that says who fires")
    swept = StatementWriter(network, operation, layout, blocked=True)
    once += swept.lines(operation.once, 16, per_neuron=False)
    tested = StatementWriter(network, operation, layout, blocked=True, names=swept.names)
    writer = StatementWriter(network, operation, layout, names=swept.names)
    if draws(tests[-1].expression):
        sweep, test = _screen(network, operation, layout, tests, swept, tested, update_each)
        each = writer.lines(tests, 24) + templates.PASS_OVER
    else:
        sweep = templates.SWEEP_AND_TEST.format(each=update_each + swept.lines(tests, 24))
        test, each = tested.lines(tests, 24), ""
    fired = rest + writer.lines(operation.fired, 24, guarded=False)
    gathered = templates.ALL_FIRE
    if each or fired:
        spike = templates.SPIKE.format(indent=" " * 24, k=k)
        gathered = templates.EACH_FIRES.format(k=k, each=each, spike=spike, fired=fired)
    return templates.FIRE.format(
        where=writer.where, k=k, is_time=is_time(operation), back=back, once=once, blocks=templates.BLOCKS.format(k=k),
        views=swept.views(sweep + test), sweep=sweep, test=test, gathered=gathered, counted=counted_spikes(k, plan),
    )  # fmt: skip


def _screen(network, operation, layout, tests, swept, tested, update_each):
    """Source that comes before a condition that draws: a sweep over a block, and a test of who may fire.

    What is drawn is drawn once, not in a sweep and once more in a search.
    """
    k, condition = operation.index, tests[-1]
    population, moving = network.populations[k], {"t", "t_in_timesteps"} | {s.variable for s in operation.once}
    own = (
        population.state.keys() | population.parameters.keys() | {"key_lo", "key_hi"} | {s.variable for s in tests[:-1]}
    )
    screen = screen_of(condition.expression, own, swept.where, moving)
    if screen is None:
        return templates.SWEEP.format(each=update_each) if update_each else "", templates.ANY
    tests = (*tests[:-1], replace(condition, expression=screen.expression))

    def asked(writer, least):
        writer.names[LEAST_LOG] = least
        return writer.lines(tests, 24)

    sweep = templates.SWEEP_AND_TEST.format(each=update_each + asked(swept, repr(LEAST_LOG_OF_ALL)))
    if screen.drawn:
        step, purpose, seed = (swept.expression(text) for text in screen.drawn)
        sweep += templates.LEAST_LOGS.format(
            k=k, n=layout.draw(k), ahead=STEPS_AT_ONCE, step=step, purpose=purpose, seed=seed
        )
    return sweep, asked(tested, "least[i]")


def reset(network, operation, layout, plan):
    parking = plan.parked.get(operation.index)
    writer = StatementWriter(network, operation, layout, held=parking.variable if parking else None)
    once = writer.lines(operation.once, 16, per_neuron=False)
    each = writer.lines(operation.each, 20, guarded=False)
    if not each:
        return ""
    return templates.RESET.format(
        where=writer.where, k=operation.index, is_time=is_time(operation), once=once, each=each,
        slot=f"((tick - {operation.lag}) % depth)" if operation.lag else "slot",
    )  # fmt: skip


def touched(network, operations, layout, plan):
    """Updates and threshold of a population that runs by touch."""
    k = operations[0].index
    return touch_templates.TOUCHED.format(
        where=f"population {k}", k=k, each=_decaying(network, operations, layout, plan.decays[k]),
        leave=touch_templates.LEAVE.format(k=k), counted=counted_spikes(k, plan),
    )  # fmt: skip


def _decaying(network, operations, layout, decay):
    """What is done with a touched neuron of a decaying population: its own step, and the threshold, unless in doubt."""
    k, source, update = operations[0].index, "", ""
    guards = sorted(set(network.populations[k].guards.values()))
    for operation in operations:
        writer = StatementWriter(network, operation, layout)
        if operation.kind == "update":
            update += writer.lines(operation.each, 16)
            continue
        source += touch_templates.DECAY_THRESHOLD.format(
            k=k, value=f"{writer.places[decay.variable]}[i]", limit=writer.expression(decay.limit),
            update=update, each=writer.lines(operation.each, 16), spike=templates.SPIKE.format(indent=" " * 20, k=k),
            fired=writer.lines(operation.fired, 20, guarded=False),
            forget=touch_templates.FORGET.format(k=k) if decay.forgets else "",
            resting="".join(touch_templates.RESTING.format(guard=f"{writer.places[guard]}[i]") for guard in guards),
        )  # fmt: skip
    return source

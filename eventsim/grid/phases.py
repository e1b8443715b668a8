"""What stands together in a tick, and how far the parts of a kernel run without each other: segments, phases, ticks."""

__all__ = ["history_ticks", "in_one_pass", "phases_of", "segments_of", "ticks_ahead"]

_LONGEST_WAY = 16  # ticks; beyond, meeting costs nothing any more
_IN_FLIGHT = 1 << 20  # neurons times ticks; beyond, the spikes of so many ticks would fill the caches


def phases_of(network):
    """The schedule without emissions, cut before each delivery that needs this tick's spikes of all parts, and around
    each that reads its senders' variables, which other parts write."""
    phases, fired, reading = [[]], set(), False
    for operation in network.schedule:
        if operation.kind == "emit":
            continue
        pathway = network.pathways[operation.index] if operation.kind == "deliver" else None
        needs_spikes = pathway is not None and pathway.source in fired and pathway.delays[0] == 0
        if needs_spikes or reading or (pathway is not None and pathway.senders):
            phases.append([])
            fired.clear()
        reading = pathway is not None and bool(pathway.senders)
        if operation.kind == "threshold":
            fired.add(operation.index)
        phases[-1].append(operation)
    return [phase for phase in phases if phase]


def segments_of(operations):
    """Lists of operations that stay together: updates and thresholds of one population, or one of another kind."""
    segments, by_population = [], {}
    for operation in operations:
        if operation.kind in ("update", "threshold"):
            by_population.setdefault(operation.index, []).append(operation)
        else:
            segments += [*by_population.values(), [operation]]
            by_population = {}
    return segments + list(by_population.values())


def in_one_pass(network, k):
    """Whether updates and thresholds of population k stay together, with no delivery and no reset between them."""
    segments = [segment for phase in phases_of(network) for segment in segments_of(phase)]
    return sum(s[0].kind in ("update", "threshold") and s[0].index == k for s in segments) == 1


def ticks_ahead(network, n_parts):
    """Ticks that parts run before the first collects what they recorded.

    Where each tick has a meeting, none between two ticks is needed unless one ends with spikes that the next begins
    with; without one, parts meet after as many ticks as the shortest delay lasts. One part alone waits for nobody.
    """
    phases, few = phases_of(network), max(1, min(_LONGEST_WAY, _IN_FLIGHT // max(1, network.n_neurons)))
    if n_parts == 1:
        return few
    if any(p.senders for p in network.pathways):
        return 1
    if len(phases) > 1:
        return 1 if _handed_on(network, phases) else few
    delays = [int(p.delays[0]) for p in network.pathways if not network.populations[p.source].is_source]
    return min(max(min(delays, default=1), 1), _LONGEST_WAY)


def _handed_on(network, phases):
    """Whether the first phase of a tick delivers spikes of the last phase of the tick before."""
    fired = {operation.index for operation in phases[-1] if operation.kind == "threshold"}
    pathways = [network.pathways[operation.index] for operation in phases[0] if operation.kind == "deliver"]
    return any(p.source in fired and 1 in p.delays for p in pathways)


def history_ticks(network, n_parts, windows=1):
    """Ticks for which spikes are remembered: the longest delay or lag of a reset, and so many times those that parts
    run ahead."""
    longest = [int(p.delays[-1]) for p in network.pathways] + [operation.lag for operation in network.schedule]
    return windows * ticks_ahead(network, n_parts) + max(longest, default=0)

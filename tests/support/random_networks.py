"""Random Brian2 networks, one function per structure: what differs between draws is sizes, numbers and wiring.

Weights, start values and drives lie on a coarse grid, and delays are few ticks, so that arrivals coincide and
thresholds are met exactly; leaks lie on none. Each structure costs one compilation of the kernel, however many networks
are drawn.
"""

from dataclasses import dataclass

import brian2
import numpy as np
from brian2 import Clock, Network, NeuronGroup, SpikeGeneratorGroup, Synapses, TimedArray, ms

import eventsim

__all__ = ["STRUCTURES", "TICKS", "TO_LAST_BIT", "draw_network"]

#: Length of a run; a tick is 1 ms.
TICKS = 48


@dataclass
class Draw:
    """What a network is drawn from: at most `n` neurons a group, at most `n_synapses` for a Synapses object."""

    rng: np.random.Generator
    n: int
    n_synapses: int
    clock: Clock
    n_wired: int = 0

    def size(self):
        return int(self.rng.integers(1, self.n + 1))

    def grid(self, low, high, size, parts=8):
        """Numbers on a grid of 1/parts."""
        return self.rng.integers(low, high, size) / parts

    def generator(self, name="input", n=4, spikes=70):
        """A generator that fires at tick 0 among others, no neuron twice in a tick."""
        chosen = np.unique(np.concatenate([[0], self.rng.integers(0, n * TICKS, spikes)]))
        return SpikeGeneratorGroup(n, chosen % n, (chosen // n) * ms, name=name, clock=self.clock)

    def cells(self, equations, name="cells", n=None, threshold="v >= 1", reset="v = 0", method="exact", **options):
        """A group whose v starts on the grid, now and then above threshold."""
        group = NeuronGroup(n or self.size(), equations, threshold=threshold, reset=reset, method=method, name=name,
                            clock=options.pop("clock", self.clock), **options)  # fmt: skip
        group.v = self.grid(0, 12, len(group))
        return group

    def wire(self, source, target, on_pre="v_post += w", delays=(0,), low=-4, high=9, parts=8, order=-1, **options):
        """Random synapses: parallel ones, zero weights and, in a group of its own, autapses among them."""
        self.n_wired += 1  # a name of ours: among objects of equal order, the name decides
        synapses = Synapses(source, target, "w : 1", on_pre=on_pre, clock=self.clock,
                            name=options.pop("name", f"wires_{self.n_wired}"), **options)  # fmt: skip
        synapses.pre.order = order
        count = self.connect(synapses)
        if count:
            synapses.variables["w"].set_value(self.grid(low, high, count, parts))
            synapses.pre.delay = self.rng.choice(delays, count) * ms
        return synapses

    def connect(self, synapses):
        """Create a random number of synapses, which is returned; Brian2 takes no empty arrays."""
        count = int(self.rng.integers(0, self.n_synapses + 1))
        i, j = (self.rng.integers(0, len(end), count) for end in (synapses.source, synapses.target))
        synapses.connect(**({"i": i, "j": j} if count else {"condition": "False"}))
        return count

    def driven(self, cells, *more, delays=range(8), **options):
        """The network of cells, a generator that drives them, their synapses among themselves, and more."""
        drive = self.generator()
        return Network(cells, drive, self.wire(drive, cells, low=0), self.wire(cells, cells, delays=delays, **options),
                       *more)  # fmt: skip

    def constants(self, **more):
        """A namespace of time constants; few of them, as Brian2 remembers for which it has solved an equation."""
        return {"tau": float(self.rng.choice([3.7, 11.3, 29.1])) * ms, "tick": 1 * ms, **more}


_LEAK = "dv/dt = (drive - v)/tau : 1"


def leaky(draw):
    """Reset to a value, delays from 0, a second Synapses of another order."""
    cells = draw.cells("dv/dt = -v/tau : 1", namespace=draw.constants())
    return draw.driven(cells, draw.wire(cells, cells, delays=(0, 3), order=-3, name="earlier"))


def subtractive(draw):
    """Subtractive reset and a constant drive that reaches the threshold exactly."""
    cells = draw.cells("dv/dt = drive/tick : 1\ndrive : 1 (constant)", reset="v -= 1", method="euler",
                       namespace=draw.constants())  # fmt: skip
    cells.drive = draw.grid(0, 4, len(cells), 16)
    return draw.driven(cells)


def no_reset(draw):
    """A neuron fires in every tick in which it is above threshold."""
    return draw.driven(draw.cells("dv/dt = -v/tau : 1", reset=None, threshold="v > 1", namespace=draw.constants()),
                       low=-8, high=5)  # fmt: skip


def refractory(draw):
    """A refractory period of whole ticks, during which nothing is integrated or received."""
    period = int(draw.rng.integers(0, 6)) * ms
    return draw.driven(draw.cells(_LEAK + " (unless refractory)", refractory=period,
                                  namespace=draw.constants(drive=1.2)))  # fmt: skip


def refractory_by_neuron(draw):
    """Period, time constant and drive of each neuron's own; a second variable that is not held."""
    cells = draw.cells(
        """dv/dt = (drive + x - v)/tau : 1 (unless refractory)
           dx/dt = -x/(7.3*ms) : 1
           drive : 1 (constant)
           tau : second (constant)
           rest : second (constant)""",
        refractory="rest", reset="v -= 1", method="euler",
    )  # fmt: skip
    cells.drive, cells.rest = draw.grid(0, 12, len(cells)), draw.rng.integers(0, 5, len(cells)) * ms
    cells.tau = draw.rng.uniform(3, 30, len(cells)) * ms
    return draw.driven(cells, draw.wire(cells, cells, "x_post += w", delays=(0, 1, 4), name="slow"))


def refractory_by_condition(draw):
    """Refractory for as long as a trace of past spikes is high."""
    cells = draw.cells("dv/dt = (1.3 - v)/tau : 1 (unless refractory)\nda/dt = -a/(3.1*ms) : 1",
                       refractory="a > 0.5", reset="v = 0\na += 1", method="euler",
                       namespace=draw.constants())  # fmt: skip
    return draw.driven(cells)


def two_currents(draw):
    """Excitatory and inhibitory exponential currents, refractory potential."""
    cells = draw.cells(
        """dv/dt = (ge + gi - v)/tau : 1 (unless refractory)
           dge/dt = -ge/(5*ms) : 1
           dgi/dt = -gi/(10*ms) : 1""",
        refractory=3 * ms, namespace=draw.constants(),
    )  # fmt: skip
    drive = draw.generator()
    return Network(
        cells, drive, draw.wire(drive, cells, "ge_post += w", low=0, high=40),
        draw.wire(cells, cells, "ge_post += w", low=0, high=20, delays=(0, 2)),
        draw.wire(cells, cells, "gi_post -= w", low=0, high=20, delays=(0, 1, 5)),
    )  # fmt: skip


def alpha_current(draw):
    """A current that rises and falls, through two variables of the same time constant, by Runge and Kutta."""
    cells = draw.cells(
        "dv/dt = (x - v)/tau : 1\ndx/dt = (y - x)/(4*ms) : 1\ndy/dt = -y/(4*ms) : 1", method="rk4",
        namespace=draw.constants(),
    )  # fmt: skip
    drive = draw.generator()
    return Network(cells, drive, draw.wire(drive, cells, "y_post += w", low=0, high=60),
                   draw.wire(cells, cells, "y_post += w", high=30, delays=range(5)))  # fmt: skip


def adaptive_threshold(draw):
    """The threshold rises with each spike, and falls back."""
    cells = draw.cells("dv/dt = -v/tau : 1\ndtheta/dt = (1 - theta)/(20*ms) : 1", threshold="v >= theta",
                       reset="v = 0\ntheta += 0.25", namespace=draw.constants())  # fmt: skip
    cells.theta = 1
    return draw.driven(cells)


def timed_arrays(draw):
    """Drive from tables of time: one for all, one with a column for each neuron, steps of any length."""
    n = draw.size()
    common = TimedArray(draw.grid(0, 8, 12), dt=float(draw.rng.choice([0.5, 1, 2.5, 4])) * ms)
    own = TimedArray(draw.grid(-4, 8, (9, n)), dt=3 * ms)
    cells = draw.cells("dv/dt = (common(t) + own(t, i))/tick - v/tau : 1", n=n, method="euler",
                       namespace=draw.constants(common=common, own=own))  # fmt: skip
    return draw.driven(cells)


def several_clocks(draw):
    """Groups whose steps are one, two and three ticks long, wired in a ring."""
    clocks = [draw.clock, Clock(2 * ms), Clock(3 * ms)]
    groups = [draw.cells("dv/dt = -v/tau : 1", name, clock=clock, namespace=draw.constants())
              for name, clock in zip(("fast", "middle", "slow"), clocks)]  # fmt: skip
    drive = draw.generator()
    rings = [draw.wire(a, b, low=0, delays=(0, 6, 12)) for a, b in zip(groups, groups[1:] + groups[:1])]
    return Network(*groups, drive, *rings, *(draw.wire(drive, group, low=0, delays=(0, 6)) for group in groups))


def spikes_of_the_target(draw):
    """on_post code that changes no weight: it writes to the neuron that fired and to the one before it."""
    cells = draw.cells("dv/dt = (x - v)/tau : 1\ndx/dt = -x/(6*ms) : 1\nseen : 1", namespace=draw.constants())
    synapses = draw.wire(cells, cells, delays=(0, 2), on_post={"back": "x_pre += w", "own": "seen_post += 1"})
    return draw.driven(cells, synapses)


def subgroups(draw):
    """Synapses between parts of groups, which overlap."""
    cells, others = (draw.cells("dv/dt = -v/tau : 1", name, n=draw.size() + 3, namespace=draw.constants())
                     for name in ("cells", "others"))  # fmt: skip
    parts = [draw.wire(cells[1:3], others[2:], delays=range(3)), draw.wire(others[:2], cells[1:], low=0),
             draw.wire(cells[1:], cells[:3], delays=(0, 5))]  # fmt: skip
    drive = draw.generator()
    fed = [draw.wire(drive, cells[:2], low=2), draw.wire(drive, others[1:], low=2)]
    return Network(cells, others, drive, *fed, *parts)


def places_in_the_tick(draw):
    """Memoryless gates emptied before synapses, operations at other places, and synapses after the resets."""
    gates = draw.cells("v : 1", "gates", threshold="v > 0.5", reset=None)
    gates.run_regularly("v = 0", when="before_synapses", name="forget")
    cells = draw.cells("dv/dt = -v/tau : 1\nx : 1", namespace=draw.constants())
    cells.run_regularly("x = v", when="after_thresholds", order=2, name="look")
    cells.run_regularly("v = v + 0.125*x", dt=3 * ms, when="end", name="push")
    late = draw.wire(cells, cells, delays=(0, 2))
    late.pre.when = "after_resets"
    drive = draw.generator()
    return Network(cells, gates, drive, late, draw.wire(drive, gates, low=0), draw.wire(gates, cells, order=4),
                   draw.wire(cells, gates, delays=(0, 1, 7)))  # fmt: skip


def resets_before_synapses(draw):
    """A network whose schedule has resets before synapses."""
    network = leaky(draw)
    network.schedule = ["start", "groups", "thresholds", "resets", "synapses", "end"]
    return network


def several_effects(draw):
    """Effects that depend on the target, assign, and reach the sender; several pathways of one object."""
    cells = draw.cells("dv/dt = -v/tau : 1\ng : 1 (constant)\nlast : 1\nsent : 1", namespace=draw.constants())
    cells.g = draw.grid(0, 12, len(cells))
    both = {"fast": "v_post += w*g_post", "slow": "last_post = w", "back": "sent_pre += 1"}
    synapses = Synapses(cells, cells, "w : 1", on_pre=both, clock=draw.clock, name="both",
                        delay={"slow": 3 * ms, "back": 1 * ms})  # fmt: skip
    synapses.variables["w"].set_value(draw.grid(-4, 9, draw.connect(synapses)))
    return draw.driven(cells, synapses)


def late_spikes(draw):
    """Synapses and resets come before thresholds in a step, and so meet the spikes of the step before."""
    network = leaky(draw)
    network.schedule = ["start", "synapses", "resets", "thresholds", "groups", "end"]
    return network


def factors_and_times(draw):
    """Effects that multiply, divide, stamp the time, read what they write, and have weights of their own."""
    cells = draw.cells("dv/dt = -v/tau : 1 (unless refractory)\nx : 1\ny : 1\nlast : second",
                       namespace=draw.constants(), refractory=int(draw.rng.integers(0, 4)) * ms)  # fmt: skip
    code = {"stamp": "last_post = t - 2*ms", "shrink": "v_post *= 0.75\nx_post /= 1 + w**2",
            "two": "y_post += 3*w*u*2\nx_post -= u", "build": "y_post += w\nx_post += 0.5*y_post",
            "pull": "v_post += 0.25*(w - v_post)", "both": "x_pre += 1\ny_post += u"}  # fmt: skip
    synapses = Synapses(cells, cells, "w : 1\nu : 1", on_pre=code, clock=draw.clock, name="many",
                        delay={"shrink": 2 * ms, "pull": 1 * ms})  # fmt: skip
    count = draw.connect(synapses)
    synapses.variables["w"].set_value(draw.grid(-4, 9, count))
    synapses.variables["u"].set_value(draw.grid(-4, 9, count))
    return draw.driven(cells, synapses)


def reads_the_sender(draw):
    """Effects of variables of the neuron that spiked, as they are when the spike arrives."""
    cells = draw.cells("dv/dt = -v/tau : 1\ndx/dt = (v - x)/(5*ms) : 1\ng : 1\nz : 1\nn : integer", method="euler",
                       reset="v = 0\nn += 1", namespace=draw.constants())  # fmt: skip
    cells.g = draw.grid(0, 8, len(cells))
    synapses = draw.wire(cells, cells, "v_post += w*x_pre*g_pre\nz_post += 0.125*n_pre - g_pre*w", delays=(0, 1, 4),
                         low=0, on_post="z_pre += w*x_post")  # fmt: skip
    return draw.driven(cells, synapses)


def integers_and_shared_variables(draw):
    """Counters, a shared variable that changes, a subexpression that is constant over a step, links to constants."""
    other = NeuronGroup(draw.size(), "a : 1\nb : 1 (shared)", name="other", clock=draw.clock)
    other.b = float(draw.grid(0, 8, 1)[0])
    cells = draw.cells(
        """dv/dt = (q + 0.5*b + a - v)/tau : 1
           held = sign(v - 0.5) : 1 (constant over dt)
           q : 1 (shared)
           spikes : integer
           steps : integer (shared)
           a : 1 (linked)
           b : 1 (linked)""",
        reset="v = 0.125*(spikes % 3)\nspikes += 1", method="euler", namespace=draw.constants(),
    )  # fmt: skip
    other.a = draw.grid(0, 8, len(other))
    cells.a = brian2.linked_var(other, "a", index=draw.rng.integers(0, len(other), len(cells)))
    cells.b = brian2.linked_var(other, "b")
    cells.run_regularly("q = 0.75*q + 0.125*(steps % 4)\nsteps += 1\nv += 0.0625*held", dt=3 * ms, name="sway")
    network = draw.driven(cells, draw.wire(cells, cells, "v_post += 0.0625*spikes_post", name="counted"))
    network.add(other)
    return network


def booleans_and_time(draw):
    """A boolean that resets flip, and statements that read the clock."""
    cells = draw.cells("dv/dt = 0.3*(1 + i)/tick : 1\nup : boolean\nsince : second", method="euler",
                       threshold="v >= 1 and (up or t_in_timesteps % 3 == 0 or t > 20*ms)",
                       reset="v -= 1\nup = not up\nsince = t", namespace=draw.constants())  # fmt: skip
    cells.run_regularly("v = v - dt/(50*ms)", name="tire")
    return draw.driven(cells)


def keyed_noise(draw):
    """Escape neurons with keyed noise, which inhibit each other."""
    cells = draw.cells(
        "dv/dt = 0.05/tick : 1\nkey_lo : integer (constant)\nkey_hi : integer (constant)", reset=None, method="euler",
        threshold="keyed_uniform(key_lo, key_hi, t_in_timesteps, 0, 77) < 1/(1 + exp(1 - v))",
        namespace=draw.constants(keyed_uniform=eventsim.keyed_uniform),
    )  # fmt: skip
    cells.key_lo, cells.key_hi = draw.rng.integers(-(2**31), 2**31, (2, len(cells)))
    return draw.driven(cells, high=3)


def transcendental(draw):
    """Powers, quotients and functions of a variable, bounded so that no explicit step runs away."""
    cells = draw.cells("""dv/dt = (v**3/(1 + v**2) - v - x + 0.9)/tau : 1
                          dx/dt = (tanh(v) - exp(-v**2) - x)/(12*ms) : 1""",
                       threshold="v > 1", method="euler", namespace=draw.constants())  # fmt: skip
    return draw.driven(cells)


#: Name -> function that draws a network.
STRUCTURES = {
    build.__name__: build
    for build in (
        leaky, subtractive, no_reset, refractory, refractory_by_neuron, refractory_by_condition, two_currents,
        alpha_current, adaptive_threshold, timed_arrays, several_clocks, spikes_of_the_target, subgroups,
        places_in_the_tick, resets_before_synapses, late_spikes, several_effects, factors_and_times,
        reads_the_sender, integers_and_shared_variables, booleans_and_time,
        keyed_noise, transcendental,
    )
}  # fmt: skip

#: Structures whose every step is arithmetic: of the others, potentials may differ in the last bit.
TO_LAST_BIT = frozenset(STRUCTURES) - {"transcendental"}


def draw_network(structure, n, n_synapses, seed):
    """A network of a structure, with a clock of 1 ms; the same for the same numbers."""
    brian2.seed(seed)
    return STRUCTURES[structure](Draw(np.random.default_rng(seed), n, n_synapses, Clock(1 * ms)))

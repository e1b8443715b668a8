"""A program of its own, for a Python that has brian2-loihi or nengo-loihi: networks on standard input, spikes out.

    python loihi_by_others.py brian2 | nengo

Input: JSON list of networks: n_inputs, n_cells, ticks, spikes [[tick, input], ...], decay_u, decay_v (of 4096),
threshold (mantissa), bias, refractory, W (inputs x cells), R (cells x cells), in_delay, rec_delay; for brian2 mantissas
and `sign`, `bits`, `exponent`; for nengo actual weights. Output: JSON list of [[tick, cell], ...].
"""

import json
import sys
import warnings
from types import SimpleNamespace


def by_brian2(given):
    import brian2
    import brian2_loihi as loihi

    brian2.prefs.codegen.target = "numpy"
    brian2.start_scope()
    sign = {"mixed": 1, "excitatory": 2, "inhibitory": 3}[given["sign"]]
    cells = loihi.LoihiNeuronGroup(given["n_cells"], refractory=given["refractory"], decay_v=given["decay_v"],
                                   threshold_v_mant=given["threshold"], decay_I=given["decay_u"])  # fmt: skip
    ticks, inputs = zip(*given["spikes"])
    sources = loihi.LoihiSpikeGeneratorGroup(given["n_inputs"], list(inputs), list(ticks))
    wires = []
    for source, weights, delay in ((sources, "W", "in_delay"), (cells, "R", "rec_delay")):
        synapses = loihi.LoihiSynapses(source, cells, delay=given[delay], w_exp=given["exponent"], sign_mode=sign,
                                       num_weight_bits=given["bits"])  # fmt: skip
        synapses.connect()
        synapses.w = [w for row in given[weights] for w in row]
        wires.append(synapses)
    monitor = loihi.LoihiSpikeMonitor(cells)
    loihi.LoihiNetwork(cells, sources, *wires, monitor).run(given["ticks"])
    return [[round(1000 * float(t)), int(i)] for t, i in zip(monitor.t_, monitor.i)]


def by_nengo(given):
    import numpy as np
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.emulator import EmulatorInterface
    from nengo_loihi.inputs import SpikeInput

    n, m = given["n_cells"], given["n_inputs"]
    block = LoihiBlock(n)
    cells = block.compartment
    cells.scale_u = cells.scale_v = False
    for name, value in (("decay_u", given["decay_u"] - 1), ("decay_v", given["decay_v"]), ("bias", given["bias"]),
                        ("vth", 64 * given["threshold"]), ("refract_delay", given["refractory"])):  # fmt: skip
        setattr(cells, name, np.broadcast_to(np.array(value, np.int32), n).copy())
    cells.vmin, cells.vmax, cells.noise_offset, cells.noise_exp = 1 - 2**23, 2**23 - 1, 0, 0
    targets = []
    for size, weights in ((m, "W"), (n, "R")):
        synapse = Synapse(size)
        synapse.weights = [np.array([row], dtype=np.int32) for row in given[weights]]
        synapse.indices = [np.arange(n, dtype=np.int32)[None, :] for _ in range(size)]
        block.add_synapse(synapse)
        targets.append(synapse)
    source, to_cells, recurrent = SpikeInput(m), Axon(m), Axon(n)
    to_cells.target, recurrent.target = targets
    source.axons.append(to_cells)
    block.add_axon(recurrent)
    for tick in sorted({tick for tick, _ in given["spikes"]}):
        source.add_spikes(tick, np.array([i for t, i in given["spikes"] if t == tick]))
    emulator = EmulatorInterface(SimpleNamespace(blocks=[block], inputs=[source], probes=[], dt=0.001), seed=0)
    found = []
    for tick in range(given["ticks"]):  # its first step is 1; an input of time 1 arrives in step 2
        emulator.step()
        found += [[tick, int(i)] for i in emulator.compartment.spiked.nonzero()[0]]
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run = {"brian2": by_brian2, "nengo": by_nengo}[sys.argv[1]]
    json.dump([run(given) for given in json.load(sys.stdin)], sys.stdout)

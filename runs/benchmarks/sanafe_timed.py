"""One run of SANA-FE, timed: python sanafe_timed.py CHIP.yaml NETWORK.yaml STEPS, by an interpreter that has SANA-FE.

The time is processor time of the simulation, after all is read and loaded. It counts events, messages and energies by
core as it always does, and keeps the spikes. One JSON line on standard output.
"""

import json
import sys
import time

import numpy as np
import sanafe

architecture, network, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
began = time.perf_counter()
arch = sanafe.load_arch(architecture)
chip = sanafe.SpikingChip(arch)
chip.load(sanafe.load_net(network, arch))
built, worked = time.perf_counter(), time.process_time()
found = chip.sim(steps, timing_model="simple", spike_trace=True)
run_s = time.process_time() - worked
spikes = [(tick, *map(int, str(who).removeprefix("p").split(".")))
          for tick, fired in enumerate(found["spike_trace"]) for who in fired]  # fmt: skip
np.save(sys.argv[4], np.array(spikes, dtype=np.int64).reshape(-1, 3))
print("\n" + json.dumps({"build_s": built - began, "run_s": run_s, "events": found["spikes"], "spikes": len(spikes)}))

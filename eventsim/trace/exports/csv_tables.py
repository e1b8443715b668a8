"""CSV: one table of spikes and, if asked for, one of synaptic events."""

from eventsim.trace.exports.frames import event_frames, spike_frames
from eventsim.trace.segments import durably

__all__ = ["FILES", "write"]

FILES = "spikes.csv", "synaptic_events.csv"


def write(trace, folder, start_tick, stop_tick, events):
    """spikes.csv and synaptic_events.csv; times are written so that they read back to the same bits."""
    tables = dict(zip(FILES, (spike_frames, event_frames) if events else (spike_frames,)))
    for name, frames in tables.items():
        with durably(folder / name) as temporary, open(temporary, "w", newline="") as file:
            for k, frame in enumerate(frames(trace, start_tick, stop_tick)):
                frame.to_csv(file, index=False, header=k == 0)
    return [folder / name for name in tables]

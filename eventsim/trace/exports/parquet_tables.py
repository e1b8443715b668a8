"""Parquet: one table of spikes and, if asked for, one of synaptic events, a row group for each piece that is read."""

import json
from itertools import chain

from eventsim.extras import need
from eventsim.trace.exports.frames import event_frames, spike_frames
from eventsim.trace.segments import durably

__all__ = ["FILES", "write"]

FILES = "spikes.parquet", "synaptic_events.parquet"


def write(trace, folder, start_tick, stop_tick, events):
    """spikes.parquet and synaptic_events.parquet, compressed by zstd; the metadata `eventsim` say of which trace."""
    pyarrow, parquet = need("pyarrow", "parquet"), need("pyarrow.parquet", "parquet")
    about = {"dt_ms": trace.dt_ms} | {key: value for key, value in trace.manifest.items() if key.endswith("_hash")}
    tables = dict(zip(FILES, (spike_frames, event_frames) if events else (spike_frames,)))
    for name, frames in tables.items():
        groups = (pyarrow.Table.from_pandas(frame, preserve_index=False)
                  .replace_schema_metadata({"eventsim": json.dumps(about)})
                  for frame in frames(trace, start_tick, stop_tick))  # fmt: skip
        first = next(groups)
        with (durably(folder / name) as temporary,
              parquet.ParquetWriter(temporary, first.schema, compression="zstd") as writer):  # fmt: skip
            for group in chain([first], groups):
                writer.write_table(group)
    return [folder / name for name in tables]

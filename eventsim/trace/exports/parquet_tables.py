"""Parquet: one table of spikes and, if asked for, one of synaptic events, a row group for each piece that is read."""

import json

from eventsim.packages import need
from eventsim.trace.exports.frames import event_frames, spike_frames
from eventsim.trace.segments import durably

__all__ = ["write"]


def write(trace, folder, start_tick, stop_tick, events):
    """spikes.parquet and synaptic_events.parquet, compressed by zstd; the metadata `eventsim` say of which trace."""
    pyarrow, parquet = need("pyarrow", "parquet"), need("pyarrow.parquet", "parquet")
    about = {"dt_ms": trace.dt_ms} | {key: value for key, value in trace.manifest.items() if key.endswith("_hash")}
    tables = {"spikes.parquet": spike_frames} | ({"synaptic_events.parquet": event_frames} if events else {})
    for name, frames in tables.items():
        with durably(folder / name) as temporary:
            writer = None
            for frame in frames(trace, start_tick, stop_tick):
                table = pyarrow.Table.from_pandas(frame, preserve_index=False)
                table = table.replace_schema_metadata({"eventsim": json.dumps(about)})
                if writer is None:
                    writer = parquet.ParquetWriter(temporary, table.schema, compression="zstd")
                writer.write_table(table)
            writer.close()
    return [folder / name for name in tables]

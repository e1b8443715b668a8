"""What a trace asks of each core, link and tick, recounted from its spikes."""

"""Neurons on cores, within every limit, and the relays that a core needs on top."""

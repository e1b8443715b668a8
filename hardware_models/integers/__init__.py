"""A network in a chip's own integers, and what it loses on the way."""

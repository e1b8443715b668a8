"""Loihi: its neuron, weights and networks as integer statements, and networks of real numbers put into them."""

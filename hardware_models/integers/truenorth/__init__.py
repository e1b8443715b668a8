"""TrueNorth: its neuron, axons and networks as integer statements, and networks of real numbers put into them."""

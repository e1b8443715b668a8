"""The package nir, which is an extra."""

from circuits.errors import require

__all__ = ["nir_package"]


def nir_package():
    """The module; raises CircuitError with the command that installs it where it is missing."""
    try:
        import nir
    except ImportError:
        require(False, "NIR graphs need the package nir: pip install 'eventsim-spiking[nir]'")
    return nir

"""Sweeps: one experiment at many points of its configuration, on this machine or on a cluster."""

from runs.sweep.sweep import run_sweep

__all__ = ["run_sweep"]

"""What ranks tell each other at each meeting: who fired, and a few numbers."""

import time

import numpy as np

__all__ = ["Meeting", "tell_pairs", "wait_for"]

_LOOK_S = 0.01


class Meeting:
    """The exchange of spikes among ranks.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    span_ticks : int
        Ticks between two meetings at most.
    n_words : int
        Numbers that each rank adds.
    """

    def __init__(self, comm, span_ticks, n_words):
        self._comm, self._n_words = comm, n_words
        self._said = np.zeros(n_words + span_ticks, dtype=np.int64)
        self._heard = np.zeros((comm.size, self._said.size), dtype=np.int64)

    def exchange(self, first_tick, tick, neuron, words):
        """Meet.

        Parameters
        ----------
        first_tick : int
            Of the ticks since the last meeting.
        tick, neuron : (n,) int64, int32
            This rank's spikes in them, by tick; ids of the whole network.
        words : sequence of int

        Returns
        -------
        tick, neuron : (m,) int64, int32
            The spikes of all ranks, by rank and tick.
        words : (n_ranks, n_words) int64
        """
        self._said[: self._n_words] = words
        self._said[self._n_words :] = np.bincount(tick - first_tick, minlength=self._said.size - self._n_words)
        self._comm.Allgather(self._said, self._heard)
        in_ticks = self._heard[:, self._n_words :]
        counts = in_ticks.sum(axis=1)
        spikes = np.empty(int(counts.sum()), dtype=np.int32)
        if spikes.size:
            self._comm.Allgatherv(np.ascontiguousarray(neuron, dtype=np.int32), [spikes, counts])
        ticks = np.tile(np.arange(first_tick, first_tick + in_ticks.shape[1]), self._comm.size)
        return np.repeat(ticks, in_ticks.ravel()), spikes, self._heard[:, : self._n_words]


def wait_for(request):
    """Wait without keeping a processor busy, as MPI does: for what takes long."""
    while not request.Test():
        time.sleep(_LOOK_S)


def tell_pairs(comm, pairs, owner, n_cores):
    """Tell each rank which cores its neurons reach here.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    pairs : (n,) int64
        neuron * n_cores + core.
    owner : (n_neurons,) int32

    Returns
    -------
    (m,) int64
        The pairs of own neurons, of all ranks, ascending.
    """
    rank = owner[pairs // n_cores]
    sent = pairs[np.argsort(rank, kind="stable")]
    counts, due = np.bincount(rank, minlength=comm.size).astype(np.int64), np.empty(comm.size, dtype=np.int64)
    comm.Alltoall(counts, due)
    heard = np.empty(int(due.sum()), dtype=np.int64)
    comm.Alltoallv([sent, counts], [heard, due])
    return np.unique(heard)

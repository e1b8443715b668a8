"""Published operation counters, each written anew from its definition, applied to the matrix products of a block.

A framework sees tensors and not synapses: a layer is the product of its input with a weight, attention is products of
spikes. Each counter here is a function of one Product that returns Operations. They differ in four decisions: which
products they see, what they take for spikes, what they do with a product that is none, and whether a weight of zero
counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["AC_PJ", "COUNTERS", "MAC_PJ", "Counter", "Operations", "Product"]

#: Energy of an addition, and of a multiplication with it, of 32-bit floats in 45 nm at 0.9 V: 0.9 and 3.7 + 0.9 pJ
#: (Horowitz, ISSCC 2014, doi 10.1109/ISSCC.2014.6757323). The papers on spiking transformers use these two figures.
AC_PJ, MAC_PJ = 0.9, 4.6


@dataclass(frozen=True, eq=False)
class Product:
    """A matrix product as a framework computes it, all steps at once.

    Parameters
    ----------
    stage : str
        The part of the block it belongs to: "qkv", "attention" or "proj".
    left : (..., m, k) array
        Spikes, or integers where a residual path leads into the product.
    right : (..., k, n) array
    kind : str
        What `right` is: "weights" of a layer, "spikes", or "counts" of coincidences.
    """

    stage: str
    left: np.ndarray
    right: np.ndarray
    kind: str

    @property
    def dense(self):
        """Multiplications if every element counts."""
        return self.left.size * self.right.shape[-1]


@dataclass(frozen=True)
class Operations:
    """Accumulations (AC) and multiply-accumulations (MAC); real numbers, because some counters multiply with rates."""

    ac: float = 0.0
    mac: float = 0.0

    def __add__(self, other):
        return Operations(self.ac + other.ac, self.mac + other.mac)

    @property
    def energy_pj(self):
        """At the prices AC_PJ and MAC_PJ, in pJ."""
        return AC_PJ * self.ac + MAC_PJ * self.mac


@dataclass(frozen=True)
class Counter:
    """A counter, where its definition stands, and why its numbers are what they are.

    Parameters
    ----------
    name : str
    count : function(Product) -> Operations
    source : str
    reason : str
    """

    name: str
    count: Callable
    source: str
    reason: str


def spikingjelly(product):
    """A product with a side of only 0 and 1 is made of additions, any other of dense multiplications."""
    left, right = (_only(side, 0, 1) for side in (product.left, product.right))
    if left and right:
        return Operations(ac=float((product.left @ product.right).sum()))
    if left:
        return Operations(ac=float(np.count_nonzero(product.left) * product.right.shape[-1]))
    if right:
        return Operations(ac=float(np.count_nonzero(product.right) * product.left.shape[-2]))
    return Operations(mac=float(product.dense))


def neurobench(product):
    """Pairs of an input and a weight that are both not 0, in layers; additions if the input has only -1, 0 and 1."""
    if product.kind != "weights":
        return Operations()
    pairs = float(((product.left != 0).astype(np.int64) @ (product.right != 0)).sum())
    return Operations(ac=pairs) if _only(product.left, -1, 0, 1) else Operations(mac=pairs)


def syops_counter(product):
    """Mean input times dense size, in layers; the dense size as multiplications if the input is not of 0 and 1."""
    if product.kind != "weights":
        return Operations()
    spiking = np.unique(product.left).size <= 2 and product.left.min() >= 0 and product.left.max() <= 1
    return Operations(ac=_rate(product.left) * product.dense) if spiking else Operations(mac=float(product.dense))


def spikformer(product):
    """SOP = rate of the input times dense size, summed over steps, for layers and attention alike; never a MAC."""
    return Operations(ac=_rate(product.left) * product.dense)


def spikingformer(product):
    """Layers as syops-counter; attention T h n d d (min(rate of k, rate of v) + rate of q), one term per product."""
    if product.kind == "weights":
        return syops_counter(product)
    rates = [_rate(product.left)] + ([_rate(product.right)] if product.kind == "spikes" else [])
    return Operations(ac=min(rates) * product.dense)


def _only(array, *values):
    return bool(np.isin(array, values).all())


def _rate(array):
    return float(array.mean())


COUNTERS = (
    Counter(
        "SpikingJelly", spikingjelly,
        "SynOpCounter and MACCounter of SpikingJelly 2.0, activation_based/op_counter: ac.py, mac.py",
        "Sees every matrix product, weights of 0 included, biases not. Coincidences of two spike tensors count once, a "
        "spike that meets a tensor of counts as often as that has columns, zeros included. One element other than 0 "
        "and 1 takes the whole product out of the additions: it becomes dense multiplications.",
    ),
    Counter(
        "NeuroBench", neurobench,
        "SynapticOperations of NeuroBench 2.3 (Yik et al., Nature Communications 16:1545, 2025)",
        "Sees layers only: attention, made of no layer, is free. Leaves out weights of 0 and biases. An integer input "
        "counts once whatever its value, but one element beyond -1, 0, 1 turns the layer's additions into MACs.",
    ),
    Counter(
        "syops-counter", syops_counter,
        "syops-counter, ops.py (Chen et al., arXiv 2301.11929); convolutions without bias, as in the published models",
        "Sees layers only (it counts neurons and normalisation too, left out here). Rate times dense size is exact "
        "without borders and includes weights of 0. One element above 1 sets the rate to 1 and makes all of it MACs.",
    ),
    Counter(
        "Spikformer paper", spikformer,
        "SOP = fr T FLOP, E = 4.6 pJ FLOP(first convolution) + 0.9 pJ SOP (Zhou et al., arXiv 2209.15425); where a "
        "product has two spiking sides, fr is taken from the left one",
        "Every operation beyond the first convolution is an addition by assumption: an integer adds to the rate. In "
        "attention one operand's rate stands for coincidences of two, as if the other were all ones.",
    ),
    Counter(
        "Spikingformer script", spikingformer,
        "energy_consumption_calculation/flops_counter.py of Spikingformer (Zhou et al., arXiv 2304.11954)",
        "syops-counter's layers, and for attention the smaller of two rates, an upper bound on coincidences. By this "
        "script Spikformer-8-384 takes 12.43 mJ (README of Spikingformer), by its own paper 7.73.",
    ),
)  # fmt: skip

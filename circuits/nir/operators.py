"""Maps of NIR as sparse matrices, and what reaches a node through a chain of them."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from circuits.errors import require

__all__ = ["Signal", "convolution", "pooling"]


@dataclass(frozen=True, eq=False)
class Signal:
    """What flows along an edge: weighted spikes of cells, each term so many steps late, and a constant.

    Parameters
    ----------
    shape : tuple of int
    terms : mapping of (str, int) to (n, n_cells) sparse matrix
        (cell, steps) -> weights from its neurons; n is the product of `shape`.
    bias : (n,) float64
    """

    shape: tuple
    terms: dict
    bias: np.ndarray

    @classmethod
    def of(cls, cell, shape):
        """The spikes of a cell as they are."""
        n = int(np.prod(shape))
        return cls(tuple(shape), {(cell, 0): sparse.identity(n, format="csr")}, np.zeros(n))

    def plus(self, other):
        terms = dict(self.terms)
        for key, matrix in other.terms.items():
            terms[key] = terms[key] + matrix if key in terms else matrix
        return Signal(self.shape, terms, self.bias + other.bias)

    def through(self, matrix, shape, bias=0.0):
        """After a linear map (m, n) and the addition of a constant."""
        matrix = sparse.csr_matrix(matrix)
        terms = {key: matrix @ term for key, term in self.terms.items()}
        return Signal(tuple(shape), terms, matrix @ self.bias + bias)

    def reshaped(self, shape):
        return Signal(tuple(shape), self.terms, self.bias)

    def delayed(self, steps):
        """Each entry `steps` later, an (n,) integer array; the constant is what it always was."""
        terms = {}
        for (cell, already), matrix in self.terms.items():
            for more in np.unique(steps):
                kept = sparse.diags((steps == more).astype(np.float64)) @ matrix
                key = (cell, already + int(more))
                terms[key] = terms[key] + kept if key in terms else kept.tocsr()
        return Signal(self.shape, terms, self.bias)


def convolution(weight, shape, stride, padding, dilation, groups):
    """(matrix, shape out) of a convolution as PyTorch has it, of a signal of shape (channels, *space).

    Parameters
    ----------
    weight : (channels out, channels in per group, *kernel) float64
    stride, dilation : int or sequence of int
    padding : int, sequence of int, "same" or "valid"
    groups : int
    """
    kernel, space = weight.shape[2:], shape[1:]
    require(len(space) == len(kernel), f"a kernel of shape {kernel} does not fit an input of shape {shape}")
    fits = groups >= 1 and shape[0] == weight.shape[1] * groups and weight.shape[0] % groups == 0
    require(fits, f"a weight of shape {weight.shape} in {groups} groups does not fit {shape[0]} channels")
    axes = [_along(*sizes) for sizes in zip(space, kernel, _each(stride, kernel), _each(dilation, kernel),
                                            _paddings(padding, kernel, dilation))]  # fmt: skip
    out = tuple(int(axis[3]) for axis in axes)
    require(min(out) >= 1, f"a kernel of shape {kernel} does not fit an input of shape {shape}")
    inside = np.meshgrid(*(np.arange(axis[0].size) for axis in axes), indexing="ij")
    source, target, place = ([axis[part][index.ravel()] for axis, index in zip(axes, inside)] for part in range(3))
    source, target = np.ravel_multi_index(source, space), np.ravel_multi_index(target, out)
    rows, columns, values = [], [], []
    for o in range(weight.shape[0]):
        first = o // (weight.shape[0] // groups) * weight.shape[1]
        for k in range(weight.shape[1]):
            rows.append(o * int(np.prod(out)) + target)
            columns.append((first + k) * int(np.prod(space)) + source)
            values.append(weight[o, k][tuple(place)])
    size = (weight.shape[0] * int(np.prod(out)), int(np.prod(shape)))
    entries = (np.concatenate(part) for part in (values, rows, columns))
    value, row, column = entries
    return sparse.csr_matrix((value, (row, column)), shape=size), (weight.shape[0], *out)


def pooling(shape, kernel, stride, padding, mean):
    """(matrix, shape out) of a sum, or a mean, over windows of each channel; zeros around count, as in PyTorch."""
    kernel = tuple(int(k) for k in np.ravel(kernel))
    weight = np.full((shape[0], 1, *kernel), 1.0 / np.prod(kernel) if mean else 1.0)
    return convolution(weight, shape, stride, padding, 1, shape[0])


def _along(size, kernel, stride, dilation, padding):
    """(input, output, place in the kernel) of every pair that meets along an axis, and the output's length."""
    before, after = padding
    length = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
    o, k = (axis.ravel() for axis in np.indices((max(length, 0), kernel)))
    i = o * stride - before + k * dilation
    inside = (i >= 0) & (i < size)
    return i[inside], o[inside], k[inside], length


def _each(value, kernel):
    values = np.ravel(value).astype(int)
    require(values.size in (1, len(kernel)) and (values >= 1).all(),
            f"{value!r} must be one positive integer, or one for each of {len(kernel)} axes")  # fmt: skip
    return np.broadcast_to(values, len(kernel)).tolist()


def _paddings(padding, kernel, dilation):
    """(before, after) for each axis."""
    if isinstance(padding, str):
        require(padding in ("same", "valid"), f"padding '{padding}' is unknown; give same, valid or numbers")
        spread = [d * (k - 1) for d, k in zip(_each(dilation, kernel), kernel)]
        return [(s // 2, s - s // 2) if padding == "same" else (0, 0) for s in spread]
    values = np.ravel(padding).astype(int)
    require(values.size in (1, len(kernel)) and (values >= 0).all(), f"padding {padding!r} does not fit the kernel")
    return [(p, p) for p in np.broadcast_to(values, len(kernel)).tolist()]

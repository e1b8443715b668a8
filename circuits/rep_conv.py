"""A re-parameterised convolution at inference: five layers that are one 3 x 3 convolution."""

import numpy as np

from circuits.errors import require
from circuits.maps import Conv

__all__ = ["rep_conv"]


def rep_conv(pointwise_in, norm_in, depthwise, pointwise_out, norm_out, grid):
    """1 x 1 convolution, batch norm, depthwise 3 x 3 convolution, 1 x 1 convolution, batch norm, as one map.

    The layer pads after its first batch norm with that norm's image of zero, so that inside and outside the grid the
    same is true: what the depthwise kernel sees is norm_in(pointwise_in x) with x = 0 outside. Hence the whole is a
    convolution of x, zeros around it, with kernel K_oi = sum_m P_om D_m s_m A_mi and bias sum_m P_om t_m sum(D_m),
    where s and t are scale and shift of `norm_in`. (RepConv of Yao et al., ICLR 2024, arXiv 2404.03663.)

    Parameters
    ----------
    pointwise_in : (m, inputs) float64
        A.
    norm_in : BatchNorm
    depthwise : (m, height, width) float64
        D.
    pointwise_out : (outputs, m) float64
        P.
    norm_out : BatchNorm
    grid : (rows, columns)

    Returns
    -------
    Conv
    """
    middle = {len(pointwise_in), norm_in.scale.size, len(depthwise), pointwise_out.shape[1]}
    require(len(middle) == 1, f"the layers of a re-parameterised convolution have {sorted(middle)} middle channels")
    kernel = np.einsum("om,mrc,mi->oirc", pointwise_out, depthwise, norm_in.scale[:, None] * pointwise_in)
    bias = pointwise_out @ (norm_in.shift * depthwise.sum(axis=(1, 2)))
    return Conv(kernel, bias, grid=grid, padding=depthwise.shape[-1] // 2).folded(norm_out)

"""AttentionHead: a softmax head made for the queries, keys and values that it is given."""

import numpy as np

from circuits.arguments import checked, numbers
from circuits.attention.duration_head import DurationHead
from circuits.attention.latency_head import LatencyHead
from circuits.attention.rate_head import RateHead
from circuits.errors import require

__all__ = ["HEADS", "AttentionHead"]

#: The softmax heads by the code in which their numbers travel.
HEADS = {"rate": RateHead, "duration": DurationHead, "latency": LatencyHead}


@checked(q=numbers, k=numbers, v=numbers)
def AttentionHead(q, k, v, *, code="rate", ticks=256, seed=0, **options):
    """A softmax attention head for these arrays, which are the default stimulus of its network.

    Parameters
    ----------
    q, k, v : (n, d), (n_keys, d) and (n_keys, d_values) arrays, or with an axis of heads before
    code : str
        "rate", "duration" or "latency"; see RateHead, DurationHead and LatencyHead.
    ticks : int
        The more, the more exact.
    seed : int
        Of the noise.
    **options
        Further arguments of the head.

    Returns
    -------
    SoftmaxHead

    Raises
    ------
    CircuitError
        When shapes do not fit each other, or values the code.
    """
    require(code in HEADS, f"code '{code}' is unknown; choose one of {', '.join(HEADS)}")
    q, k, v = (np.asarray(values, dtype=np.float64) for values in (q, k, v))
    shapes = f"q, k and v have shapes {q.shape}, {k.shape} and {v.shape}"
    require(q.ndim in (2, 3) and q.ndim == k.ndim == v.ndim, f"{shapes}; give (tokens, d) or (heads, tokens, d)")
    heads = q.shape[0] if q.ndim == 3 else 1
    noise = {"seed": seed} if code == "rate" else {}
    head = HEADS[code](*q.shape[-2:], n_keys=k.shape[-2], d_values=v.shape[-1], heads=heads, ticks=ticks, **noise,
                       **options)  # fmt: skip
    head.given = head.stimulus(q, k, v, seed=seed)
    return head

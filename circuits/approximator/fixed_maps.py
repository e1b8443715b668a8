r"""FixedMaps: the random maps of a spiking transformer that are drawn once and never fitted.

A token is x in [0, 1]^d here, and s = 2x - 1 the same point about the middle of the domain. For `width` m there are

    features   a_k(i)   = relu(w_k.x_i + b_k),                      m of them; |a| <= 1 on the domain
    mean, max  of a_k over all tokens: attention that looks at all alike, and at the largest alone
    scores     r_k(i,j) = relu(u_k.x_i + v_k.x_j + c_k), 2 m of them, averaged over j: attention by ReLU
    heads      p_h(i,j) = softmax over j of s_i A_h s_j - g_h |s_j|^2, m/4 of them, at least 2; values are x_j

Sums over tokens of features of one token, followed by a layer of neurons, are enough to approximate any continuous
permutation-equivariant function on a compact domain (Segol and Lipman, "On universal equivariant set networks", ICLR
2020; Zaheer et al., "Deep sets", NeurIPS 2017). Scores and heads are there to need fewer neurons.
"""

from dataclasses import dataclass
from itertools import count

import numpy as np

__all__ = ["FixedMaps"]

#: Largest bias of a neuron in units of the largest |w.s|: no neuron is silent, and none but the first 2 d linear, on
#: all of the domain.
_BIAS = 0.7

#: Steepness of the heads' logits, drawn evenly in the logarithm; logits so reach from -d to -6 d, and d to 6 d.
_STEEPNESS = (1.0, 6.0)

#: Largest ratio g/steepness; at 1/2 a head weighs tokens by exp(-steepness |s_i - s_j|^2/2).
_NORM_COST = 0.7


@dataclass(frozen=True, eq=False)
class FixedMaps:
    """Weights of features, scores and heads, for tokens in [0, 1]^d.

    Parameters
    ----------
    feature_weight, feature_bias : (m, d), (m,) float64
        The first 2 d features are x_c and 1 - x_c.
    query_weight, key_weight, score_bias : (2 m, d), (2 m, d), (2 m,) float64
        Three quarters of the scores see the difference x_i - x_j only.
    likeness : (heads, d, d) float64
        A; three quarters of the heads have a multiple of the identity, the others one of a random rotation.
    norm_cost : (heads,) float64
        g; every other head has none.
    """

    feature_weight: np.ndarray
    feature_bias: np.ndarray
    query_weight: np.ndarray
    key_weight: np.ndarray
    score_bias: np.ndarray
    likeness: np.ndarray
    norm_cost: np.ndarray

    @classmethod
    def draw(cls, d, width, seed):
        """Maps of this width; those of a smaller width are the first of a larger one."""
        stream = (np.random.default_rng([seed, k]) for k in count())
        weight, tilt = _directions(next(stream), width, d), next(stream).uniform(-_BIAS, _BIAS, width)
        axes = np.concatenate([np.eye(d), -np.eye(d)])[:width]
        weight[: len(axes)], tilt[: len(axes)] = axes, 1.0
        query, key = (_directions(next(stream), 2 * width, d) for _ in range(2))
        differences = np.arange(2 * width) % 4 > 0
        key[differences] = -query[differences]
        pair, score_bias = _scaled(np.hstack([query, key]), next(stream).uniform(-_BIAS, _BIAS, 2 * width))
        head = np.arange(max(2, width // 4))
        steepness = np.exp(next(stream).uniform(*np.log(_STEEPNESS), head.size))
        turned = np.stack([np.linalg.qr(m)[0] for m in next(stream).standard_normal((head.size, d, d))])
        likeness = steepness[:, None, None] * np.where((head % 4 == 3)[:, None, None], turned, np.eye(d))
        norm_cost = steepness * next(stream).uniform(0, _NORM_COST, head.size) * (head % 2 == 0)
        return cls(*_scaled(weight, tilt), pair[:, :d], pair[:, d:], score_bias, likeness, norm_cost)

    @property
    def width(self):
        return len(self.feature_weight)

    @property
    def heads(self):
        return len(self.likeness)

    def exact(self, x):
        """What the neurons stand for, in real numbers.

        Parameters
        ----------
        x : (queries, n, d) array in [0, 1]

        Returns
        -------
        dict of str to (queries, n, number of that kind) array
            feature, mean, max, mixed (values under the heads' weights, head by head), score.
        """
        feature = np.maximum(x @ self.feature_weight.T + self.feature_bias, 0.0)
        everyone = {"mean": feature.mean(axis=1, keepdims=True), "max": feature.max(axis=1, keepdims=True)}
        score = (x @ self.query_weight.T)[:, :, None] + (x @ self.key_weight.T)[:, None] + self.score_bias
        s = 2 * x - 1
        z = np.einsum("mic,hcd,mjd->mhij", s, self.likeness, s)
        z -= self.norm_cost[:, None, None] * np.square(s).sum(axis=-1)[:, None, None, :]
        p = np.exp(z - z.max(axis=-1, keepdims=True))
        mixed = np.einsum("mhij,mjc->mihc", p / p.sum(axis=-1, keepdims=True), x)
        return {
            "feature": feature, **{kind: np.broadcast_to(a, feature.shape) for kind, a in everyone.items()},
            "mixed": mixed.reshape(*x.shape[:2], -1), "score": np.maximum(score, 0.0).mean(axis=2),
        }  # fmt: skip


def _directions(stream, number, d):
    drawn = stream.standard_normal((number, d))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _scaled(weight, tilt):
    """w.s + tilt |w|_1 as a map of x = (s + 1)/2, scaled so that its maximum over the domain is 1."""
    reach = np.abs(weight).sum(axis=1)
    scale = reach * (1 + tilt)
    return 2 * weight / scale[:, None], (tilt * reach - weight.sum(axis=1)) / scale

r"""FixedMaps: the random maps of a spiking transformer that are drawn once and never fitted.

A token is x in [-1, 1]^d. For `width` m there are

    features   a_k(i)   = relu(w_k.x_i + b_k), m of them, at most 1 on the domain
    mean, max  of a_k over all tokens: attention that looks at all alike, or at the largest alone
    scores     r_k(i,j) = relu(u_k.x_i + v_k.x_j + c_k), 2 m of them, summed over j: attention by ReLU
    heads      p_h(i,j) = softmax over j of x_i A_h x_j - g_h |x_j|^2, m/3 of them, at least 2; values are x_j

Sums over tokens of features of one token, followed by a layer of neurons, are enough to approximate any continuous
permutation-equivariant function on a compact domain (Segol and Lipman, "On universal equivariant set networks", ICLR
2020; Zaheer et al., "Deep sets", NeurIPS 2017). Scores and heads are there to need fewer neurons.
"""

from dataclasses import dataclass
from itertools import count

import numpy as np

__all__ = ["SIGNS", "FixedMaps"]

#: What the two channels of a number stand for; one of them is used at a time.
SIGNS = np.array([1.0, -1.0])

#: Largest bias of a neuron in units of the largest |w.x|: no neuron is silent, and none but the first 2 d linear, on
#: all of the domain.
_BIAS = 0.7

#: Steepness of the heads' logits, evenly spread in the logarithm: the largest logit is d to 6 d.
_STEEPNESS = (1.0, 6.0)

#: Largest ratio g/steepness; at 1/2 a head weighs tokens by exp(-steepness |x_i - x_j|^2/2).
_NORM_COST = 0.7

#: Steps of the additive recurrence that spreads heads over steepness and cost, 1/p and 1/p^2 with p^3 = p + 1: however
#: many there are, they leave no gaps (Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018).
_SPREAD = np.array([0.7548776662466927, 0.5698402909980532])


@dataclass(frozen=True, eq=False)
class FixedMaps:
    """Weights of features, scores and heads, for tokens in [-1, 1]^d.

    Parameters
    ----------
    feature_weight, feature_bias : (m, d), (m,) float64
        The first 2 d features are (1 + x_c)/2 and (1 - x_c)/2.
    query_weight, key_weight, score_bias : (2 m, d), (2 m, d), (2 m,) float64
        Three quarters of the scores see the difference x_i - x_j only.
    likeness : (heads, d, d) float64
        A; three quarters of the heads have a multiple of the identity, the others one of a random rotation.
    norm_cost : (heads,) float64
        g; every fourth head has none.
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
        head = np.arange(max(2, width // 3))
        along = (next(stream).random(2) + np.multiply.outer(head, _SPREAD)) % 1
        steepness = _STEEPNESS[0] * (_STEEPNESS[1] / _STEEPNESS[0]) ** along[:, 0]
        turned = np.stack([np.linalg.qr(m)[0] for m in next(stream).standard_normal((head.size, d, d))])
        likeness = steepness[:, None, None] * np.where((head % 4 == 3)[:, None, None], turned, np.eye(d))
        norm_cost = _NORM_COST * steepness * along[:, 1] * (head % 4 > 0)
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
        x : (queries, n, d) array in [-1, 1]

        Returns
        -------
        dict of str to (queries, n, number of that kind) array
            feature, mean, max, score, and mixed: positive and negative parts of values under the heads' weights, by
            (head, dimension, sign).
        """
        feature = np.maximum(x @ self.feature_weight.T + self.feature_bias, 0.0)
        everyone = {"mean": feature.mean(axis=1, keepdims=True), "max": feature.max(axis=1, keepdims=True)}
        score = (x @ self.query_weight.T)[:, :, None] + (x @ self.key_weight.T)[:, None] + self.score_bias
        z = np.einsum("mic,hcd,mjd->mhij", x, self.likeness, x)
        z -= self.norm_cost[:, None, None] * np.square(x).sum(axis=-1)[:, None, None, :]
        p = np.exp(z - z.max(axis=-1, keepdims=True))
        values = np.maximum(x[..., None] * SIGNS, 0.0)
        mixed = np.einsum("mhij,mjcs->mihcs", p / p.sum(axis=-1, keepdims=True), values)
        return {
            "feature": feature, **{kind: np.broadcast_to(a, feature.shape) for kind, a in everyone.items()},
            "mixed": mixed.reshape(*x.shape[:2], -1), "score": np.maximum(score, 0.0).sum(axis=2),
        }  # fmt: skip


def _directions(stream, number, d):
    drawn = stream.standard_normal((number, d))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _scaled(weight, tilt):
    """w.x + tilt |w|_1, scaled so that its maximum over the domain is 1."""
    reach = np.abs(weight).sum(axis=1)
    scale = reach * (1 + tilt)
    return weight / scale[:, None], tilt * reach / scale

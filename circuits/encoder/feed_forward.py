"""Feed-forward layers of an encoder block, in the two forms that go with spiking and with membrane residuals."""

from dataclasses import dataclass

from circuits.arguments import checked
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.errors import require
from circuits.maps import Conv, Linear

__all__ = ["MembraneFeedForward", "SpikingFeedForward"]


@dataclass(frozen=True, eq=False)
class _FeedForward(Block):
    """Two linear maps, one after the other.

    Parameters
    ----------
    fc1, fc2 : Linear or Conv
        With batch normalisation folded in.
    """

    fc1: Linear
    fc2: Linear

    def __post_init__(self):
        for name, linear in (("fc1", self.fc1), ("fc2", self.fc2)):
            require(
                isinstance(linear, Linear | Conv), f"{name} is a {type(linear).__name__}; it must be a Linear or a Conv"
            )
        require(self.fc2.inputs == self.fc1.outputs,
                f"fc2 reads {self.fc2.inputs} channels, fc1 makes {self.fc1.outputs}; they must be equal")  # fmt: skip

    @property
    def channels(self):
        return self.fc1.inputs

    @property
    def outputs(self):
        return self.fc2.outputs


class SpikingFeedForward(_FeedForward):
    """LIF(W2 LIF(W1 x)): spikes in, spikes out, as in Spikformer and QKFormer."""

    def build(self, flow, x):
        hidden = Stream.of(flow.layer("fc1", x, self.fc1))
        return Stream.of(flow.layer("fc2", hidden, self.fc2))


@checked()
class MembraneFeedForward(_FeedForward):
    """W2 LIF(W1 LIF(x)): membrane potentials in and out, as in the Spike-driven Transformers.

    With `inner_residual` it is u + W2 LIF(x + u), u = W1 LIF(x). The first Spike-driven Transformer does so when
    there are as many hidden channels as channels.
    """

    def __init__(self, fc1, fc2, *, inner_residual=False):
        super().__init__(fc1, fc2)
        require(not inner_residual or fc1.inputs == fc1.outputs,
                f"inner_residual adds {fc1.inputs} channels to {fc1.outputs}; they must be equal")  # fmt: skip
        object.__setattr__(self, "inner_residual", inner_residual)

    def build(self, flow, x):
        first = Stream.of(flow.layer("fc1", x), self.fc1)
        second = Stream.of(flow.layer("fc2", x + first if self.inner_residual else first), self.fc2)
        return first + second if self.inner_residual else second

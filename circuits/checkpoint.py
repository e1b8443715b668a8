"""Trained blocks from a state_dict, with the names that SpikingJelly and the models' authors use."""

import re
from dataclasses import dataclass, field

from circuits.arguments import checked, of
from circuits.attention.dssa import DSSA
from circuits.attention.meta import MetaAttention
from circuits.attention.qk_channel import QKChannelAttention
from circuits.attention.qk_token import QKTokenAttention
from circuits.attention.sdsa import SDSA
from circuits.attention.ssa import SSA
from circuits.encoder import Encoder, EncoderBlock, MembraneFeedForward, SpikingFeedForward
from circuits.errors import require
from circuits.maps import Conv, Linear
from circuits.rep_conv import rep_conv
from circuits.state_dict import StateDict, read_state

__all__ = ["MODELS", "load_attention", "load_block", "load_encoder"]


@dataclass(frozen=True)
class _Model:
    """How a model names its parts.

    Parameters
    ----------
    attention, feed_forward : type
    inputs : str
        One letter per map that reads the block's input.
    section : str
        Where a block keeps its attention.
    with_heads : bool
        Whether the attention depends on the number of heads.
    ignored : tuple of str
        What a block and its attention store and do not use.
    """

    attention: type
    feed_forward: type
    inputs: str = "qkv"
    section: str = "attn"
    with_heads: bool = True
    ignored: tuple = field(default=())


#: Model -> its parts.
MODELS = {
    "spikformer": _Model(SSA, SpikingFeedForward, ignored=("norm1", "norm2")),
    "qkformer_token": _Model(QKTokenAttention, SpikingFeedForward, inputs="qk", section="tssa"),
    "qkformer_channel": _Model(QKChannelAttention, SpikingFeedForward, inputs="qk", section="cssa", with_heads=False),
    "qkformer_self": _Model(SSA, SpikingFeedForward, section="ssa"),
    "spike_driven": _Model(SDSA, MembraneFeedForward, with_heads=False, ignored=("talking_heads",)),
    "meta_spikeformer": _Model(MetaAttention, MembraneFeedForward),
    "spikingresformer": _Model(DSSA, None),
}


@checked(model=of(str))
def load_attention(checkpoint, model, *, prefix="", heads=None, grid=None, eps=1e-5, **options):
    """The attention stored below a prefix.

    Parameters
    ----------
    checkpoint : path or mapping of str to array
        A .safetensors or .npz file, or what `read_state` returns.
    model : str
        A name in MODELS.
    prefix : str
        Such as "block.0.attn"; entries elsewhere are not looked at.
    heads : int
        Not stored in a state_dict; needed where the attention depends on it.
    grid : (rows, columns), optional
        How tokens lie; needed for the convolutions of "meta_spikeformer" and "spikingresformer".
    eps : float
        Of the batch normalisations; PyTorch's default.
    **options
        Of the attention's class, such as order and scale.

    Returns
    -------
    An attention of circuits.attention; give it to `Pipeline`.

    Raises
    ------
    CircuitError
        When an entry is missing, unknown, of another shape, or not finite.
    """
    known = _model(model)
    state = StateDict(_entries(checkpoint), _below(prefix), eps=eps, ignored=known.ignored)
    return _attention(state, known, heads, grid, options)


@checked(model=of(str))
def load_block(checkpoint, model, *, prefix="", heads=None, grid=None, eps=1e-5, **options):
    """The encoder block stored below a prefix such as "block.0"; otherwise as `load_attention`.

    Returns
    -------
    EncoderBlock
    """
    entries, known, below = _entries(checkpoint), _model(model), _below(prefix)
    require(known.feed_forward, f"of '{model}' only the attention can be loaded; use load_attention")
    section = f"{known.section}."
    rest = StateDict(entries, below, eps=eps, ignored=(*known.ignored, known.section))
    attention = StateDict(entries, below + section, eps=eps, ignored=known.ignored)
    attention = _attention(attention, known, heads, grid, options)
    fc1, fc2 = (_linear(rest, _one_of(rest, f"mlp.fc{k}", f"mlp.mlp{k}")) for k in (1, 2))
    rest.finish()
    if model == "spike_driven":
        return EncoderBlock(attention, MembraneFeedForward(fc1, fc2, inner_residual=fc1.inputs == fc1.outputs))
    return EncoderBlock(attention, known.feed_forward(fc1, fc2))


@checked(model=of(str))
def load_encoder(checkpoint, model, *, prefix="block", **options):
    """All blocks below a prefix, "block.0", "block.1" and so on; options as of `load_block`.

    Returns
    -------
    Encoder
    """
    entries, below = _entries(checkpoint), _below(prefix)
    numbers = {int(m[1]) for name in entries if (m := re.match(re.escape(below) + r"(\d+)\.", name))}
    require(numbers and numbers == set(range(len(numbers))),
            f"blocks below '{below}' must be numbered from 0 without gaps, got {sorted(numbers)}")  # fmt: skip
    return Encoder(tuple(load_block(entries, model, prefix=f"{below}{k}", **options) for k in sorted(numbers)))


def _attention(state, model, heads, grid, options):
    require(heads is not None or not model.with_heads, "heads is not stored in a checkpoint; give it")
    convolutional = model.attention in (DSSA, MetaAttention)
    require(grid is not None or not convolutional, "tokens of a convolution lie on a grid; give grid=(rows, columns)")
    if model.attention is DSSA:
        return _dual(state, heads, grid)
    if f"{model.inputs}_conv_bn.0.weight" in state:
        whole = _stacked(state, model.inputs)
    elif convolutional:
        maps = {name: _rep_conv(state, name, grid) for name in (*model.inputs, "proj")}
        return _finished(state, model, heads, options, maps)
    else:
        whole = {name: _linear(state, name) for name in model.inputs}
    return _finished(state, model, heads, options, whole | {"proj": _linear(state, "proj")})


def _finished(state, model, heads, options, maps):
    state.finish()
    return model.attention(**maps, **({"heads": heads} if model.with_heads else {}), **options)


def _linear(state, name):
    """A linear layer or 1 x 1 convolution and its batch norm: name_linear, name_conv, or both in name_conv_bn."""
    layer = _one_of(state, f"{name}_linear", f"{name}_conv", f"{name}_conv_bn.0", ending=".weight")
    norm = f"{name}_conv_bn.1" if layer.endswith(".0") else f"{name}_bn"
    weight = state.weight(f"{layer}.weight")
    bias = state.take(f"{layer}.bias", len(weight)) if f"{layer}.bias" in state else None
    return state.normed(Linear(weight, bias), norm)


def _stacked(state, names):
    """SpikingJelly's maps in one weight: rows of q, then k, then v."""
    whole = _linear(state, names)
    channels, odd = divmod(whole.outputs, len(names))
    require(not odd and channels == whole.inputs,
            f"'{state.prefix}{names}_conv_bn.0.weight' has {whole.outputs} rows and {whole.inputs} columns; "
            f"it must have {len(names)} rows per column")  # fmt: skip
    return {name: whole.rows(k * channels, (k + 1) * channels) for k, name in enumerate(names)}


def _rep_conv(state, name, grid):
    """A re-parameterised convolution and the batch norm after it."""
    body = f"{name}_conv.0.body"
    first = state.weight(f"{body}.0.weight")
    middle = len(first)
    norm_in = state.norm(f"{body}.1.bn", middle)
    depthwise = state.take(f"{body}.2.0.weight", middle, 1, 3, 3)[:, 0]
    last = state.weight(f"{body}.2.1.weight")
    folded = rep_conv(first, norm_in, depthwise, last, state.norm(f"{body}.2.2", len(last)), grid)
    return folded.folded(state.norm(f"{name}_conv.1", len(last)))


def _dual(state, heads, grid):
    """SpikingResformer's attention: a strided convolution, a projection, and the rates that scale its products."""
    kernel = state.take("W.weight", None, None, None, None)
    y = Conv(kernel, grid=grid, stride=kernel.shape[-1]).folded(state.norm("norm", len(kernel)))
    weight = state.weight("Wproj.weight")
    bias = state.take("Wproj.bias", len(weight)) if "Wproj.bias" in state else None
    proj = Linear(weight, bias).folded(state.norm("norm_proj", len(weight)))
    rates = [state.take(f"firing_rate_{what}", 1, 1, heads, 1, 1).ravel() for what in ("x", "attn")]
    state.finish()
    return DSSA(y, proj, heads, *rates)


def _one_of(state, *names, ending=""):
    """The first of these names of which the state has an entry."""
    tails = (ending,) if ending else ("_linear.weight", "_conv.weight", "_conv_bn.0.weight")
    found = [name for name in names if any(name + tail in state for tail in tails)]
    require(found, f"the checkpoint has none of {', '.join(repr(state.prefix + n + tails[0]) for n in names)}")
    return found[0]


def _entries(checkpoint):
    return checkpoint if hasattr(checkpoint, "items") else read_state(checkpoint)


def _below(prefix):
    return f"{prefix}." if prefix and not prefix.endswith(".") else prefix


def _model(name):
    require(name in MODELS, f"model '{name}' is unknown; choose one of {', '.join(MODELS)}")
    return MODELS[name]

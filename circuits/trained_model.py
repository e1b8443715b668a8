"""A whole trained model from a state_dict: patch embedding, encoder blocks and head, by the authors' names."""

import numpy as np

from circuits.arguments import checked, of
from circuits.checkpoint import MODELS, load_encoder
from circuits.encoder import PatchEmbedding, SpikePool, SpikingFeedForward, SpikingTransformer
from circuits.encoding import BitPlanes
from circuits.errors import require
from circuits.maps import Conv, Linear
from circuits.state_dict import StateDict, read_state

__all__ = ["WHOLE_MODELS", "load_transformer"]

#: Models of `circuits.checkpoint.MODELS` whose blocks take and make spikes, with this embedding before them.
WHOLE_MODELS = tuple(name for name, model in MODELS.items() if model.feed_forward is SpikingFeedForward)

#: The three parts of a model.
_EMBEDDING, _BLOCKS, _HEAD = "patch_embed", "block", "head"


@checked(model=of(str))
def load_transformer(checkpoint, model, *, grid, heads=None, bits=8, pixel_scale=1 / 255, pixel_shift=0.0, strides=(),
                     paddings=(), pools=(), prefix="", eps=1e-5, **options):  # fmt: skip
    """The classifier stored in a checkpoint: "patch_embed.proj_conv", ..., "block.0", ..., "head".

    Batch normalisation is folded in, or was: a map without an entry for it is taken as it is.

    Parameters
    ----------
    checkpoint : path or mapping of str to array
        A .safetensors or .npz file, or what `read_state` returns.
    model : str
        One of WHOLE_MODELS.
    grid : (rows, columns)
        Of the images.
    heads : int, optional
        Not stored in a state_dict; needed where the attention depends on it.
    bits : int
        Pixels are whole numbers below 2**bits.
    pixel_scale, pixel_shift : float or sequence of float
        A pixel n was pixel_scale * n + pixel_shift in training, per colour.
    strides, paddings, pools : sequences
        Of each convolution of the embedding: its stride, its padding, and whether it is pooled (3 x 3, stride 2). Left
        out: stride 1, a padding that keeps the grid, no pooling. None of this is stored in a state_dict.
    prefix : str
        Before all names, such as "module".
    eps : float
        Of the batch normalisations; PyTorch's default.
    **options
        Of the attention's class, such as order and scale.

    Returns
    -------
    SpikingTransformer

    Raises
    ------
    CircuitError
        When an entry is missing, unknown, of another shape or not finite, or does not fit what else was given.
    """
    known = ", ".join(WHOLE_MODELS)
    require(model in WHOLE_MODELS, f"whole models of kind '{model}' cannot be loaded; choose one of {known}")
    entries = checkpoint if hasattr(checkpoint, "items") else read_state(checkpoint)
    below = f"{prefix}." if prefix and not prefix.endswith(".") else prefix
    _check_parts(entries, below)
    state = StateDict(entries, f"{below}{_EMBEDDING}.", eps=eps)
    maps = _convolutions(state, grid, strides, paddings, pools)
    pixels = _pixels(bits, pixel_scale, pixel_shift, maps[0][0].inputs)
    layers = ((pixels.reading(maps[0][0]), maps[0][1]), *maps[1:])
    position = _position(state, maps)
    state.finish()
    encoder = load_encoder(entries, model, prefix=f"{below}{_BLOCKS}", heads=heads, eps=eps, **options)
    return SpikingTransformer(pixels, PatchEmbedding(layers, position), encoder, _head(entries, below))


def _check_parts(entries, below):
    """A model with other parts is none of these, for instance one with a second patch embedding."""
    parts = tuple(f"{below}{part}." for part in (_EMBEDDING, _BLOCKS, _HEAD))
    other = next((name for name in sorted(entries) if not name.startswith(parts)), None)
    require(other is None, f"the checkpoint has '{other}', which lies in none of {', '.join(parts)}; if all "
                           "names begin alike, give that as prefix; models of other parts are not loaded")  # fmt: skip


def _convolutions(state, grid, strides, paddings, pools):
    """(Conv, SpikePool or None) of "proj_conv", "proj_conv1" and so on."""
    layers = []
    while not layers or f"proj_conv{len(layers)}.weight" in state:
        k = len(layers)
        names = f"proj_conv{k or ''}", f"proj_bn{k or ''}"
        conv = _conv(state, *names, grid, _of(strides, k, 1), _of(paddings, k, None))
        pool = SpikePool(conv.outputs, conv.grid_out) if _of(pools, k, False) else None
        layers.append((conv, pool))
        grid = (conv if pool is None else pool).grid_out
    for name, given in (("strides", strides), ("paddings", paddings), ("pools", pools)):
        require(len(given) in (0, len(layers)),
                f"{name} has {len(given)} entries; the patch embedding has {len(layers)} convolutions")  # fmt: skip
    return layers


def _position(state, layers):
    """The convolution of relative positions; None where the model has none."""
    conv, pool = layers[-1]
    if "rpe_conv.weight" not in state:
        return None
    return _conv(state, "rpe_conv", "rpe_bn", (conv if pool is None else pool).grid_out, 1, None)


def _conv(state, name, norm, grid, stride, padding):
    weight = state.take(f"{name}.weight", None, None, None, None)
    bias = state.take(f"{name}.bias", len(weight)) if f"{name}.bias" in state else None
    padding = weight.shape[-1] // 2 if padding is None else padding
    return state.normed(Conv(weight, bias, grid=tuple(grid), stride=stride, padding=padding), norm)


def _of(values, k, default):
    return values[k] if k < len(values) else default


def _pixels(bits, scale, shift, colours):
    """The image's numbers, one scale and shift for all colours or one for each."""
    sizes = {np.size(scale), np.size(shift)} - {1}
    allowed = f"give one pixel_scale and pixel_shift, or {colours} of each"
    require(sizes <= {colours}, f"the model reads {colours} colours; {allowed}")
    return BitPlanes(bits, np.broadcast_to(scale, colours), np.broadcast_to(shift, colours))


def _head(entries, below):
    state = StateDict(entries, f"{below}{_HEAD}.")
    weight = state.weight("weight")
    bias = state.take("bias", len(weight)) if "bias" in state else None
    state.finish()
    return Linear(weight, bias)

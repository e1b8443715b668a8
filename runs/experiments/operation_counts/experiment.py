"""operation-counts: the operations of one attention block, exact to the synapse and by every published counter.

Each block is run twice: on its input, and with one unit added to one element, as a residual path does. One trace holds
both runs.
"""

import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from analysis.audit import audit
from analysis.operation_counts import STAGES, deliveries, products, published, unaccounted
from analysis.published_counters import COUNTERS, Operations
from circuits.attention import SDSA, SSA, QKTokenAttention
from circuits.block import Block
from circuits.maps import Linear
from circuits.pipeline import Pipeline
from eventsim import compile_network, simulate
from eventsim.errors import ConfigError
from runs.experiments.operation_counts.report import broken, counter_table, reasons, write

__all__ = ["Config", "DrawnBlock", "drawn", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]


class DrawnBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of a block whose weights and input are drawn: its shape, the share of inputs that are not 0, the seed, and which
    product an SSA circuit makes first."""

    tokens: Positive
    channels: Positive
    heads: Positive
    steps: Positive
    rate: Annotated[float, Meta(gt=0, le=1)]
    seed: Annotated[int, Meta(ge=0, lt=2**31)]
    order: Literal["score_first", "kv_first"]


class Config(DrawnBlock, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/operation_counts.toml for what each key means."""

    blocks: Annotated[list[Literal["ssa", "qk_token", "sdsa"]], Meta(min_length=1)]
    recording: str


@dataclass(frozen=True, eq=False)
class _Case:
    """A block and its input, (steps, tokens, channels) integers."""

    name: str
    block: Block
    x: np.ndarray


def run(config, folder, progress):
    """Run the experiment; write a trace for each block and report.html into `folder` and return the summary."""
    cases = [_recorded(config)] if config.recording else [drawn(name, config) for name in config.blocks]
    summary = {
        "experiment": "operation-counts", "config": msgspec.to_builtins(config),
        "counters": [{"name": own.name, "source": own.source, "reason": own.reason} for own in COUNTERS],
        "blocks": [_counted(case, config, folder / f"{case.name}.h5", progress) for case in cases],
    }  # fmt: skip
    write(folder / "report.html", summary)
    return summary


def _counted(case, config, path, progress):
    """One block, run on its input and on the input with one unit more; the counts as plain types."""
    more = case.x.copy()
    more.flat[case.x.argmax()] += 1
    circuit = Pipeline(case.block, case.x.shape[1], steps=len(case.x), levels=int(more.max()))
    manifest = {
        "experiment": "operation-counts", "config": msgspec.to_builtins(config), "seed": config.seed,
        "circuit": {"name": circuit.name, "populations": circuit.labels(), "warmup_ticks": 0,
                    "active_ticks": circuit.phases.active_ticks, "flush_ticks": circuit.phases.flush_ticks},
    }  # fmt: skip
    network, stimulus = compile_network(circuit.network()), circuit.stimulus(np.stack([case.x, more]))
    with simulate(network, stimulus, trace=path, progress=progress, manifest=manifest) as trace:
        runs = [{"input": name, "largest": int(x.max()), **_counts(trace, circuit, query)}
                for query, (name, x) in enumerate((("as given", case.x), ("one unit more", more)))]  # fmt: skip
        return {
            "block": case.name, "neurons": network.n_neurons, "synapses": network.n_synapses, "runs": runs,
            "counted_while_running": int(trace.received()[0].sum()), "audit": audit(trace).to_json(),
        }  # fmt: skip


def _counts(trace, circuit, query):
    table, described = deliveries(trace, circuit, query), products(circuit, trace, query)
    sent = table[~table["bias"]].groupby("stage")[["all", "nonzero", "repeated"]].sum()
    exact = {kind: {stage: int(sent[kind].get(stage, 0)) for stage in STAGES} for kind in sent}
    said = {
        name: {"ac": {stage: own.ac for stage, own in stages.items()},
               "mac": {stage: own.mac for stage, own in stages.items()},
               "energy_pj": sum(stages.values(), Operations()).energy_pj}
        for name, stages in published(described).items()
    }  # fmt: skip
    bias = table[table["bias"]]
    return {
        "exact": exact, "bias": int(bias["all"].sum()), "bias_nonzero": int(bias["nonzero"].sum()),
        "deliveries": int(table["all"].sum()), "routes": table.to_dict("records"), "published": said,
        "unaccounted": unaccounted(circuit, table, described),
    }  # fmt: skip


#: Projections of each block.
_N_MAPS = {"ssa": 4, "qk_token": 3, "sdsa": 4}


def drawn(name, config):
    """A block with weights that are multiples of 1/16, as in the recordings, so that its potentials are exact."""
    if config.channels % config.heads:
        raise ConfigError(f"channels = {config.channels} is not a multiple of heads = {config.heads}")
    rng, size = np.random.default_rng(config.seed), config.channels

    def sixteenths(mean, spread, *shape):
        return np.round(16 * rng.normal(mean, spread, shape)) / 16

    maps = [Linear(sixteenths(0, 1, size, size), sixteenths(1.75, 0.5, size)) for _ in range(_N_MAPS[name])]
    x = (rng.random((config.steps, config.tokens, size)) < config.rate).astype(np.int64)
    return _Case(name, _block(name, maps, config.heads, config.order), x * (2 if name == "sdsa" else 1))


def _block(name, maps, heads, order):
    if name == "ssa":
        return SSA(*maps, heads=heads, order=order)
    return QKTokenAttention(*maps, heads=heads) if name == "qk_token" else SDSA(*maps)


#: Recorded maps of each block, the stacked ones first.
_MAPS = {"ssa": ("qkv_conv_bn", "proj_conv_bn"), "qk_token": ("qk_conv_bn", "proj_conv_bn"), "sdsa": (*"qkv", "proj")}


def _recorded(config):
    """The block and input of a file of recorded arrays."""
    path = Path(config.recording)
    if path.exists() and not zipfile.is_zipfile(path):
        raise ConfigError(f"{path}: not an .npz file; see tests/data/README.md for what it must hold")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        name = next((name for name, maps in _MAPS.items() if all(f"{own}.W" in arrays for own in maps)), None)
        if name is None:
            raise ConfigError(f"{path}: holds no block that is known here; it must hold the weights of one of "
                              f"{', '.join(_MAPS)}")  # fmt: skip
        x = arrays["x"]
        tokens = x.reshape(len(x), x.shape[2], -1).transpose(0, 2, 1)  # (steps, 1, channels, tokens...)
        maps = [own for key in _MAPS[name] for own in _split(arrays[f"{key}.W"], arrays[f"{key}.b"], x.shape[2])]
        return _Case(name, _block(name, maps, int(arrays["heads"]), config.order), _integers(tokens, path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, MemoryError, RuntimeError, SyntaxError,
            tokenize.TokenError, zipfile.BadZipFile, zlib.error) as error:  # fmt: skip
        raise ConfigError(f"{path}: not a recording of a block ({error}); see tests/data/README.md") from None


def _split(weight, bias, channels):
    return [Linear(weight[k : k + channels], bias[k : k + channels]) for k in range(0, len(weight), channels)]


def _integers(x, path):
    whole = np.round(x).astype(np.int64)
    if not (np.array_equal(whole, x) and whole.min() >= 0):
        raise ConfigError(f"{path}: the input x holds {x.min():g} to {x.max():g}; it must hold integers >= 0")
    return whole


def lines(summary):
    """The summary in words, for a terminal."""
    for block in summary["blocks"]:
        headings, rows = counter_table(block)
        widths = [max(len(row[k]) for row in (headings, *rows)) for k in range(len(headings))]
        yield f"{block['block']}: {block['neurons']:,} neurons, {block['synapses']:,} synapses"
        for row in (headings, *rows):
            yield "  ".join(text.ljust(w) if k == 0 else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths)))
        yield ""
    yield "AC: additions, MAC: multiplications with an addition; +1: with one unit more in one element of the input"
    yield from (f"{name}: {reason}" for name, reason in reasons(summary))
    for block in summary["blocks"]:
        yield f"{block['block']}: " + ("; ".join(broken(block)) or "every delivery accounted for")

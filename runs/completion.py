"""What a shell offers after the Tab key: experiments, their keys, chips, tables and formats."""

import tomllib

from click.shell_completion import CompletionItem, get_completion_class

__all__ = ["SHELLS", "chip_names", "experiment_names", "formats", "script", "settings", "table_names"]

SHELLS = ("bash", "zsh", "fish")


def script(cli, shell):
    """The lines that teach a shell to complete `eventsim`."""
    return get_completion_class(shell)(cli, {}, "eventsim", "_EVENTSIM_COMPLETE").source()


def experiment_names(ctx, param, incomplete):
    """Experiments; and files, for a configuration or a trace of one's own."""
    from runs.experiments import EXPERIMENTS

    return [*_starting(incomplete, EXPERIMENTS), CompletionItem(incomplete, type="file")]


def settings(ctx, param, incomplete):
    """Keys of the experiment that stands earlier on the line, as "key="."""
    from runs.config import CONFIGS
    from runs.experiments import EXPERIMENTS

    # click leaves what is not parsed yet, an option without its value among it, in ctx.args
    words = [ctx.params.get("experiment"), ctx.params.get("trace"), *ctx.args]
    chosen = next((word for word in words if word in EXPERIMENTS), None)
    if chosen is None:
        return []
    table = tomllib.loads((CONFIGS / f"{chosen.replace('-', '_')}.toml").read_text(encoding="utf-8"))
    return _starting(incomplete, [f"{key}=" for key in table if key != "experiment"])


def chip_names(ctx, param, incomplete):
    """Chips that come with the package; and files."""
    from hardware_models.chips.file import list_chips

    return [*_starting(incomplete, list_chips()), CompletionItem(incomplete, type="file")]


def table_names(ctx, param, incomplete):
    """Energy tables of the chip that stands on the line."""
    from eventsim.errors import EventSimError
    from hardware_models.chips.file import load_chip

    try:
        return _starting(incomplete, load_chip(ctx.params.get("chip") or "loihi").tables)
    except EventSimError:
        return []


def formats(ctx, param, incomplete):
    """What a trace can be exported to."""
    from eventsim.trace.exports import FORMATS

    return _starting(incomplete, FORMATS)


def _starting(incomplete, names):
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]

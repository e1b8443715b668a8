"""What the command line says about chips: every number with its unit, its source and how it was come by."""

from hardware_models import list_chips, load_chip
from hardware_models.chips.cost_table import voltage_in_words
from hardware_models.chips.figures import Claim, Count, Figure, unit_of

__all__ = ["list_figures"]


def list_figures(name=None):
    """(document, text): all figures of one chip, or of every chip that comes with the package.

    Raises ConfigError or ProvenanceError when it is the path of a chip file that is not in order.
    """
    chips = [_described(load_chip(each)) for each in ([name] if name else list_chips())]
    return {"chips": chips}, "\n\n".join("\n".join(_lines(chip)) for chip in chips)


def _described(chip):
    tables = {
        name: {"scope": table.scope, "origin": table.origin, "process": table.process, "voltage": table.voltage,
               "caution": table.caution}
        for name, table in chip.tables.items()
    }  # fmt: skip
    claims = {section: [{"key": key, "source": claim.source, "how": claim.how, "read": claim.read}
                        for key, claim in (getattr(chip, section) or {}).items()]
              for section in ("lacks", "unpublished")}  # fmt: skip
    return {"name": chip.name, "title": chip.title, "hash": chip.hash, "tables": tables,
            "figures": [_figure(chip, key, figure) for key, figure in _figures(chip, "")], **claims}  # fmt: skip


def _figures(part, prefix):
    """(dotted key, Count or Figure) of everything below a part of a chip."""
    named = part.items() if isinstance(part, dict) else ((name, getattr(part, name)) for name in part.__struct_fields__)
    for name, value in named:
        if isinstance(value, (Count, Figure)):
            yield prefix + name, value
        elif isinstance(value, dict) or (hasattr(value, "__struct_fields__") and not isinstance(value, Claim)):
            yield from _figures(value, f"{prefix}{name}.")


def _figure(chip, key, figure):
    """One number, with the process, voltage and scope of the table it stands in."""
    section, _, rest = key.partition(".")
    table = chip.tables[rest.partition(".")[0]] if section == "tables" else None
    where = {"scope": table and table.scope, "process": table and table.process, "voltage": table and table.voltage}
    if section == "static":
        where |= {"scope": "static", "process": chip.static.process, "voltage": voltage_in_words(chip.static.voltage_v)}
    return {"key": key, "value": str(figure.value), "unit": unit_of(key) or "", "how": figure.how, "read": figure.read,
            **where, "source": figure.source}  # fmt: skip


def _lines(chip):
    yield f"{chip['name']}: {chip['title']}"
    for name, table in chip["tables"].items():
        yield f"  table {name}: {table['scope']}, {table['process']}, {table['voltage']}; {table['origin']}"
        if table["caution"]:
            yield f"    caution: {table['caution']}"
    width = max(len(figure["key"]) for figure in chip["figures"])
    for figure in chip["figures"]:
        number = f"{figure['value']} {figure['unit']}".strip()
        mark = "UNVERIFIED" if figure["how"] == "unverified" else figure["how"]
        yield f"  {figure['key']:<{width}}  {number:>12}  {mark:<10}  {figure['source']}"
    for section, words in (("lacks", "does not offer"), ("unpublished", "not published")):
        for claim in chip[section]:
            yield f"  {words}: {claim['key']}: {claim['source']}"

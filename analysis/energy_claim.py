"""How many times less energy a spiking network takes than one without spikes, under each way to account for it.

A network without spikes makes M multiplications with an addition (MACs) per inference. The spiking one of the same
layers delivers rho M spikes to synapses, rho = T r for a mean rate r in each of T steps, and makes f M MACs of its own
in layers that read no spikes. With prices e per MAC, s per delivery and m per own MAC the ratio of energies is

    e / (s rho + m f),  which is R at rho = (e/R - m f)/s, and 1, where the spiking network stops winning, at R = 1.

Published energies of spiking transformers are counts of operations at the price of arithmetic alone: e = 4.6, s = 0.9
pJ. All else here adds what that leaves out, or changes what is compared with.
"""

from dataclasses import dataclass
from fractions import Fraction

from hardware_models import load_chip
from hardware_models.costing.published import load_operations

__all__ = ["CLAIMED", "Accounting", "accountings", "activity"]

#: "38-57x energy efficiency on neuromorphic hardware": abstract of arXiv 2604.15769.
CLAIMED = (38, 57)


@dataclass(frozen=True)
class Accounting:
    """A way to account for energy; prices in pJ, exact.

    Parameters
    ----------
    name, text : str
    ann : Fraction
        Of a MAC of the network without spikes.
    event : Fraction
        Of a delivery.
    own : Fraction
        Of a MAC of the spiking network; its first layer reads real numbers, on whatever chip.
    table : (str, str) or None
        Chip and table, where a delivery is priced by one.
    static_mw : Fraction
        Of each chip, for as long as an inference takes; 0 where it is not counted.
    sources : tuple of str
    unverified : bool
        Rests on a figure that nobody published or checked.
    """

    name: str
    text: str
    ann: Fraction
    event: Fraction
    own: Fraction
    table: tuple[str, str] | None = None
    static_mw: Fraction = Fraction(0)
    sources: tuple[str, ...] = ()
    unverified: bool = False

    def ratio(self, rho, own_share=Fraction(0), static=Fraction(0)):
        """Energy without spikes over energy with them; `static` in pJ per MAC."""
        return self.ann / (self.event * rho + self.own * own_share + static)

    def activity_for(self, ratio, own_share=Fraction(0), static=Fraction(0)):
        """The rho at which the ratio is this one; below 0 where none is small enough."""
        return (self.ann / ratio - self.own * own_share - static) / self.event

    def static_per_mac(self, chips, ms, macs):
        """Static energy of an inference in pJ per MAC: mW times ms is 10^6 pJ."""
        return self.static_mw * chips * Fraction(ms) * 10**6 / macs


def activity(model, mac_pj, add_pj):
    """(rho, f) of a published model; None where its dense MACs are not known.

    Where no additions are published, rho is what additions of the published energy would make.
    """
    if model.dense_macs_count is None:
        return None
    macs = model.dense_macs_count.exact / model.steps_count.exact
    own = Fraction(0) if model.own_macs_count is None else model.own_macs_count.exact
    if model.additions_count is not None:
        return model.additions_count.exact / macs, own / macs
    return (model.energy_uj.exact * 10**6 - own * mac_pj) / add_pj / macs, own / macs


def accountings():
    """Every Accounting, from the published figures."""
    o = load_operations()
    mac, add = o.float32_multiply_pj.exact + o.float32_add_pj.exact, o.float32_add_pj.exact
    word = o.cache_64_bit_pj.exact / 2  # 32 of 64 bit
    float_mac, float_event = mac + word, add + 3 * word
    byte_mac = o.int8_multiply_pj.exact + o.int32_add_pj.exact + word / 4
    byte_event = o.int32_add_pj.exact + word / 4 + 2 * word / 2
    floats = (o.float32_multiply_pj.source, o.float32_add_pj.source)
    memory = (*floats, o.cache_64_bit_pj.source)
    bytes_ = (*memory, o.int8_multiply_pj.source, o.int32_add_pj.source)
    yield Accounting("operation counts, float32", "Arithmetic alone, a MAC against an addition.", mac, add, mac,
                     sources=floats)  # fmt: skip
    yield Accounting("weights and potentials from a cache", "A MAC reads its weight; a delivery reads its weight, and "
                     "reads and writes a potential, 32 bit each, in a cache of 8 KB.", float_mac, float_event,
                     float_mac, sources=memory)  # fmt: skip
    yield Accounting("weights and potentials from a cache, against int8", "The network without spikes in 8 bit, sums "
                     "in 32, the spiking one in float32, both from a cache.", byte_mac, float_event, float_mac,
                     sources=bytes_)  # fmt: skip
    yield Accounting("both networks in integers", "Weights of 8 bit in both, potentials of 16 bit, all from a cache; "
                     "sums in 32 bit.",
                     byte_mac, byte_event, byte_mac, sources=bytes_)  # fmt: skip
    for chip, tables in (("loihi", ("davies2018", "nahuku", "nahuku_dense", "nahuku_conv")),
                         ("truenorth", ("affine", "split"))):  # fmt: skip
        for table in tables:
            priced = load_chip(chip).tables[table]
            figure = priced.energy.synaptic_event_pj
            yield Accounting(f"{chip}, {table}", "Deliveries at the chip's price against the arithmetic of float32 "
                             "MACs alone; neurons and messages only where a circuit was run.", mac, figure.exact, mac,
                             (chip, table), sources=(figure.source, *floats),
                             unverified=figure.how == "unverified" or priced.caution is not None)  # fmt: skip
    figure = load_chip("loihi").tables["davies2018"].energy.synaptic_event_pj
    yield Accounting("loihi, davies2018, against int8", "Deliveries at the chip's price against MACs of 8 bit, "
                     "sums in 32, with their weights read.", byte_mac, figure.exact, byte_mac, ("loihi", "davies2018"),
                     sources=(figure.source, *bytes_))  # fmt: skip
    static = load_chip("loihi").static.power_mw_per_chip
    yield Accounting("loihi, davies2018, with static power", "As loihi, davies2018, and the static power of the chips "
                     "that the weights fill, each stored once, for a tick per step.", mac, figure.exact, mac,
                     ("loihi", "davies2018"), static.exact, (figure.source, static.source, *floats))  # fmt: skip

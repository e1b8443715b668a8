"""Classifier: a trained spiking transformer as a circuit, images in and logits out."""

from circuits.decoder import LinearDecoder
from circuits.pipeline import Pipeline

__all__ = ["Classifier"]


class Classifier(Pipeline):
    """A `SpikingTransformer` as a circuit; see `Pipeline`.

    The head's mean and linear layer are a decoder: nothing spikes there.

    Parameters
    ----------
    model : SpikingTransformer
        Such as `circuits.trained_model.load_transformer` reads.
    steps : int
        Steps of an image, T.
    dt_ms : float

    Examples
    --------
    >>> circuit = Classifier(load_transformer("model.npz", "spikformer", grid=(8, 8), heads=2))  # doctest: +SKIP
    >>> trace = simulate(compile_network(circuit.network()), circuit.shown(images))              # doctest: +SKIP
    >>> circuit.logits(trace).argmax(axis=1)                                                     # doctest: +SKIP
    """

    def __init__(self, model, *, steps=4, dt_ms=1.0):
        super().__init__(model, model.tokens, steps=steps, dt_ms=dt_ms)

    def shown(self, images, input_id=None):
        """The stimulus of images shown one after the other, each as the same input in every step.

        Parameters
        ----------
        images : (m, rows, columns) or (m, rows, columns, colours) integers
        input_id : (m,) integers, optional

        Returns
        -------
        eventsim.Stimulus
        """
        return self.stimulus(self.block.spikes(images, self.steps), input_id)

    def logits(self, trace, steps=None):
        """(m, classes) float64; after the first so many steps if asked, which is what a shorter run would say."""
        return self.block.logits(self.decode(trace), steps)

    @property
    def read(self):
        """Paths of the populations whose spikes the head reads: those of the residual path."""
        terms = [stage for stage, _ in self.output.terms]
        return tuple(path for path, stage in self.stages.items() if any(stage is term for term in terms))

    @property
    def decoder(self):
        """What `logits` computes, as data for a trace's manifest."""
        head, tokens = self.block.head, self.output.shape[0]
        bias = (0.0,) * head.outputs if head.bias is None else tuple(head.bias.tolist())
        return LinearDecoder(self.read, tuple(map(tuple, head.weight.tolist())), bias, self.steps * tokens)

    @property
    def cuts(self):
        """Populations that the answer has to cross: behind the patch embedding, and all that the head reads."""
        return tuple(path for path in self.read if path.startswith("patch_embed/")), self.read

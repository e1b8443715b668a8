"""paper-claims: what became of each claim of arXiv 2604.15769's abstract, and of each objection of its referee."""

from runs.experiments.paper_claims.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]

"""Tokens in another order give the same spikes in another order; noise that does not follow them is told apart."""

from types import SimpleNamespace

import numpy as np
import pytest

from eventsim.errors import ConfigError
from runs import permutation
from runs.permutation import audit_permutation, images

#: Small enough for seconds; the noise decides within the first query.
SMALL = ("support=24", "queries=4", "ticks=200", "encode_ticks=32", "seed=3")


@pytest.mark.parametrize("softmax, has_noise", [
    ("escape_inhibition", True), pytest.param("integrate_inhibition", False, marks=pytest.mark.slow),
])  # fmt: skip
def test_permuted_tokens_give_permuted_spikes_bit_for_bit(softmax, has_noise):
    report = audit_permutation("digits-attention", [*SMALL, f"softmax={softmax}"])
    assert report["permutation"].verdict == "passed", str(report)
    assert report["permutation"].checked > 100
    assert report["control"].verdict == ("passed" if has_noise else "not checkable"), str(report)
    assert report.passed


def test_noise_keyed_by_index_fails(monkeypatch):
    experiment = permutation.EXPERIMENTS["digits-attention"]
    keyed = experiment.permuted
    monkeypatch.setattr(experiment, "permuted", lambda config, order, keyed_by="token": keyed(config, order, "index"))
    law = audit_permutation("digits-attention", SMALL)["permutation"]
    assert law.verdict == "failed"
    assert "token" in law.detail and "at tick" in law.detail


def test_noise_that_follows_one_token_off_fails(monkeypatch):
    experiment = permutation.EXPERIMENTS["digits-attention"]
    honest = experiment.permuted

    def one_off(config, order, keyed_by="token"):
        circuit, stimulus = honest(config, order, keyed_by)
        if (order != np.arange(order.size)).any():
            block = next(block for block in circuit.blocks if block.path == "softmax/pool")
            object.__setattr__(block, "key", np.roll(block.key, 1))
        return circuit, stimulus

    monkeypatch.setattr(experiment, "permuted", one_off)
    assert audit_permutation("digits-attention", SMALL)["permutation"].verdict == "failed"


def test_an_experiment_without_tokens_is_refused_in_one_line():
    with pytest.raises(ConfigError, match="has no tokens to permute") as refusal:
        audit_permutation("hardware-validation")
    assert "\n" not in str(refusal.value)


def test_images_follow_the_tokens_and_leave_the_others_in_place():
    network = SimpleNamespace(
        n_neurons=6, populations=[SimpleNamespace(start=0)], path_id=np.array([0, 0, 0, 1, 1, 1]),
        token=np.array([0, 1, 2, -1, -1, -1]),
    )  # fmt: skip
    assert images(network, network, np.array([2, 0, 1])).tolist() == [2, 0, 1, 3, 4, 5]

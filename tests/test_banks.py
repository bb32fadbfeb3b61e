"""lab/banks.py: noise is made once, and is the same whoever asks for how much of it."""

from dataclasses import replace

import numpy as np
import pytest
from lab import banks, nets
from lab.prepared import Made
from small import NETS, NOISE


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return nets.trained("ann-lq", NETS["ann-lq"], few_digits, 0, runs)


@pytest.fixture(scope="module")
def bank(network, few_digits, runs):
    return banks.bank(network, few_digits, runs, NOISE)


def test_there_is_noise_for_every_class_and_limit(bank):
    assert set(bank) == {(k, limit) for k in range(10) for limit in NOISE.limits}
    for (_, limit), noise in bank.items():
        assert noise.shape == (28, 28, 1)
        assert 0.9 * limit < np.abs(noise).max() <= np.float32(limit)


def test_noise_of_a_class_is_the_same_whatever_else_is_wanted(
    network, bank, few_digits, runs, monkeypatch
):
    few = banks.bank(network, few_digits, runs, NOISE, wanted=((3, 0.15), (7, 0.10)))
    assert set(few) == {(3, 0.10), (3, 0.15), (7, 0.10)}
    for pair, noise in few.items():
        assert np.array_equal(noise, bank[pair])
    monkeypatch.setattr(banks, "noise_chain", None)  # from here on none can be made
    assert set(banks.bank(network, few_digits, runs, NOISE)) == set(bank)
    with pytest.raises(TypeError, match="not callable"):
        banks.bank(network, few_digits, runs, NOISE, pruned="another network")
    for cfg in (replace(NOISE, steps=6), replace(NOISE, step_size=0.02), replace(NOISE, recipe=2)):
        with pytest.raises(TypeError, match="not callable"):
            banks.bank(network, few_digits, runs, cfg)


def test_a_bank_that_was_stopped_goes_on(network, bank, few_digits, tmp_path, caplog, monkeypatch):
    chain = banks.noise_chain

    def stopped(model, images, target, *args, **options):
        if target == 1:
            raise KeyboardInterrupt
        return chain(model, images, target, *args, **options)

    wanted = ((0, 0.10), (1, 0.10))
    monkeypatch.setattr(banks, "noise_chain", stopped)
    with pytest.raises(KeyboardInterrupt):
        banks.bank(network, few_digits, tmp_path, NOISE, wanted=wanted)
    made = []
    monkeypatch.setattr(
        banks, "noise_chain", lambda *args, **kw: made.append(args[2]) or chain(*args, **kw)
    )
    caplog.set_level("INFO", "lab")
    whole = banks.bank(network, few_digits, tmp_path, NOISE, wanted=wanted)
    assert made == [1] and all(np.array_equal(whole[pair], bank[pair]) for pair in wanted)
    assert "noise for 1 classes" in caplog.text


def test_only_limits_that_noise_is_made_at_can_be_wanted(network, few_digits, runs):
    with pytest.raises(ValueError, match="noise is made at the limits"):
        banks.bank(network, few_digits, runs, NOISE, wanted=((3, 0.12),))


def test_a_row_that_makes_network_and_noise(few_digits, tmp_path, monkeypatch):
    net_cfg, noise = replace(NETS["ann-lq"], steps=10), replace(NOISE, steps=1)
    Made("ann-lq", net_cfg, 0, noise).compute(None, few_digits, tmp_path)
    monkeypatch.setattr(nets, "fit", None)
    monkeypatch.setattr(banks, "noise_chain", None)
    network = nets.trained("ann-lq", net_cfg, few_digits, 0, tmp_path)
    assert len(banks.bank(network, few_digits, tmp_path, noise)) == 60

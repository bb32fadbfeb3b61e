"""Rows computed here, in processes and on a cluster: the same results, and nothing is lost."""

import json
from dataclasses import replace

import prune_ann
import pytest
from lab import cache, script, tasks
from rows import Dies, Square, Threads
from small import NETS, NOISE

import nnlite

CONFIG = replace(
    prune_ann.QUICK,
    network=replace(NETS["ann-lq"], steps=50),
    noise=replace(NOISE, steps=2),
    first_sparsities=(0.0, 0.5),
    sparsities=(0.0, 0.5),
    published=((),),
    curves=("magnitude", "random"),
)


@pytest.fixture(scope="module")
def data(digits_folder):
    return nnlite.data.load(digits_folder)


def results(data, runs, monkeypatch, compute):
    """The JSON text of what prune_ann.py finds with two seeds."""
    monkeypatch.setitem(prune_ann.PRESETS, "quick", CONFIG)
    found = script.run(prune_ann, data, "quick", runs, seeds=(0, 1), compute=compute)
    return json.dumps(cache.plain(found))


@pytest.fixture(scope="module")
def serially(data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return results(data, tmp_path_factory.mktemp("runs"), patch, tasks.here)


def test_two_processes_find_the_same(data, digits_folder, serially, tmp_path, monkeypatch):
    def in_two(rows, cfg, data, runs):
        return tasks.in_processes(rows, cfg, str(digits_folder), runs, 2)

    assert results(data, tmp_path, monkeypatch, in_two) == serially
    monkeypatch.setattr(prune_ann, "prepared", None)  # the second time nothing is computed
    assert results(data, tmp_path, monkeypatch, in_two) == serially


def test_so_far_are_the_rows_that_are_done(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(prune_ann.PRESETS, "quick", CONFIG)

    def first_three(rows, cfg, data, runs):
        return tasks.here(rows[:3], cfg, data, runs)

    with pytest.raises(FileNotFoundError, match="no row of prune-ann at these options yet"):
        script.run(prune_ann, data, "quick", tmp_path, seeds=(0,), compute=None)
    with pytest.raises(FileNotFoundError):  # of the fourth: it stopped there
        script.run(prune_ann, data, "quick", tmp_path, seeds=(0,), compute=first_three)
    monkeypatch.setattr(prune_ann, "prepared", None)  # nothing more is computed
    so_far = script.run(prune_ann, data, "quick", tmp_path, seeds=(0,), compute=None)
    assert len(so_far.rows) == 3
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    script.report(prune_ann, data, "quick", tmp_path, seeds=(0,), compute=None)
    assert "3 rows are written to" in capsys.readouterr().out


def test_a_cluster_of_two_workers_finds_the_same(
    data, digits_folder, serially, tmp_path, monkeypatch
):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:

        def on_two(rows, cfg, data, runs):
            address = cluster.scheduler_address
            return tasks.on_cluster(rows, cfg, str(digits_folder), str(runs), address)

        assert results(data, tmp_path, monkeypatch, on_two) == serially


def test_rows_come_with_their_results(digits_folder, tmp_path):
    rows = [Square(k) for k in range(5)]
    expected = {row: {"square": row.number**2 + 1, "images": 1375} for row in rows}
    data = nnlite.data.load(digits_folder)
    assert dict(tasks.here(rows, 1, data, tmp_path)) == expected
    assert dict(tasks.in_processes(rows, 1, str(digits_folder), tmp_path, 2)) == expected


def test_processes_share_the_threads(digits_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks.os, "cpu_count", lambda: 6)
    ((_, threads),) = tasks.in_processes([Threads()], 0, str(digits_folder), tmp_path, 3)
    assert threads == {"numba": 2, "blas": "2"}


def test_a_process_that_dies_costs_its_rows_only(digits_folder, tmp_path):
    rows = [Square(1), Dies(1), Square(2)]
    found = dict(tasks.in_processes(rows, 0, str(digits_folder), tmp_path, 2))
    assert set(found) == set(rows) and found[Dies(1)] == {"died": 1}


def test_rows_whose_processes_always_die_are_told_when_all_others_are_done(digits_folder, tmp_path):
    rows, found = [Square(1), Dies(9), Square(2)], {}
    with pytest.raises(RuntimeError, match=r"processes die computing .*: Dies\(times=9\)$"):
        for row, result in tasks.in_processes(rows, 0, str(digits_folder), tmp_path, 2):
            found[row] = result
    assert set(found) == {Square(1), Square(2)}
    assert len(list(tmp_path.iterdir())) < 5

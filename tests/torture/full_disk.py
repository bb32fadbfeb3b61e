"""A disk that is full after any number of bytes: what was there before stays, nothing is left over.

A limit on the size of files stands for the full disk: to a program both are an OSError in the
middle of writing.
"""

import contextlib
import resource
import tempfile
from pathlib import Path

from lab import cache

import nnlite
from nnlite.checkpoint import save_checkpoint
from nnlite.noise import save_bank
from nnlite.sparse import SparseNetwork, unroll
from torture import rounds
from torture.files import IMAGES, network, trained

ONE_ROUND = {"saves": 40}


@contextlib.contextmanager
def room_for(n_bytes):
    """OSError inside the `with` for a file that grows beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def writers():
    """{name: a function (path, seed) that writes a file}"""
    return {
        "model.npz": lambda path, seed: nnlite.save(network(seed), path),
        "sparse.npz": lambda path, seed: SparseNetwork(unroll(network(seed), (4, 4, 1))).save(path),
        "checkpoint.npz": lambda path, seed: save_checkpoint(path, *trained(seed), {"epoch": seed}),
        "bank.npz": lambda path, seed: save_bank(path, {(seed, 0.25): IMAGES[0]}, {"seed": seed}),
        "rows.json": lambda path, seed: cache.write_json(path, [seed] * 1000),
    }


def torture(rng, deadline):
    counts, defects = {"saves": 0, "refused": 0}, []
    with tempfile.TemporaryDirectory() as top:
        for _ in rounds(deadline):
            for name, write in writers().items():
                path = Path(top) / name
                write(path, 0)
                before = path.read_bytes()
                for n_bytes in rng.integers(0, len(before), 10):
                    counts["saves"] += 1
                    try:
                        with room_for(int(n_bytes)):
                            write(path, 1)
                    except OSError:
                        counts["refused"] += 1
                    if path.read_bytes() != before or len(list(path.parent.iterdir())) > 1:
                        defects.append(f"{name}, {n_bytes} bytes: {list(path.parent.iterdir())}")
                path.unlink()
        if counts["refused"] != counts["saves"]:
            defects.append(f"{counts}: not every save was refused")
    return {**counts, "defects": defects}

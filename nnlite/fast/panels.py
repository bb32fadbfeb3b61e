"""Panels: activations in the order in which the sparse product reads them.

    panels[t, feature, i]        the feature of image t * width + i

A tile is `width` images, one to four registers of them, and what is read of it for one weight, a
feature of all its images, is one piece of memory.
"""

import numpy as np
from numba import prange

from nnlite.fast.kernel import njit
from nnlite.fast.simd import COLUMN, LANES, SQUARE, load, store, transposed

WIDTHS = (LANES, 2 * LANES, 4 * LANES)  # of a tile, in images


def tile_width(n_images):
    """The width of the tiles: no wider than the images need."""
    return next((width for width in WIDTHS if width >= n_images), WIDTHS[-1])


def aligned(size):
    """Uninitialised float32 that begin at a multiple of 64 bytes: no load crosses one."""
    buffer = np.empty(size + 16, np.float32)
    skip = -(buffer.ctypes.data // 4) % 16
    return buffer[skip : skip + size]


def empty_panels(tiles, features, width, buffer=None):
    """Uninitialised panels, at the beginning of a buffer that `aligned` made, if one is given."""
    size = tiles * features * width
    buffer = aligned(size) if buffer is None else buffer
    return buffer[:size].reshape(tiles, features, width)


def pack(images, width, buffer=None):
    """images (N, features) in any memory order -> panels (tiles, features, width).

    What is left of the last tile after N images is filled with zeros.
    """
    n, features = images.shape
    if not (images.flags.c_contiguous or images.flags.f_contiguous):
        images = np.ascontiguousarray(images)  # fewer orders to compile for
    panels = empty_panels(-(-n // width), features, width, buffer)
    if images.flags.c_contiguous and features >= LANES:
        transpose_in(images, panels)
    else:
        copy_in(images, panels)
    return panels


@njit()
def piece(task, parts, n_images, panels):
    """The images of a tile, and 1 / parts of the features, that a task copies."""
    _, features, width = panels.shape
    t, part = task // parts, task % parts
    n = min(width, n_images - t * width)
    return t, n, features * part // parts, features * (part + 1) // parts


@njit(parallel=True)
def copy_in(images, panels):
    """Number by number, from any order: feature by feature, as images in Fortran's order lie."""
    parts = 16 // max(1, len(panels)) or 1  # few tiles are shared out too
    for task in prange(len(panels) * parts):
        t, n, start, stop = piece(task, parts, len(images), panels)
        for k in range(start, stop):
            for i in range(n):
                panels[t, k, i] = images[t * panels.shape[2] + i, k]
        panels[t, start:stop, n:] = 0


@njit(parallel=True)
def transpose_in(images, panels):
    """The same from C order, of LANES features at least, in squares that registers turn around.

    The last square of a part reaches into the next one, where another task writes the same.
    """
    (n_images, features), width = images.shape, panels.shape[2]
    images_, panels_ = images.reshape(-1), panels.reshape(-1)
    parts = 16 // max(1, len(panels)) or 1
    for task in prange(len(panels) * parts):
        t, n, start, stop = piece(task, parts, n_images, panels)
        whole = n // LANES * LANES
        for k in range(start, stop, LANES):
            k = min(k, features - LANES)
            for i in range(0, whole, LANES):
                square = load(images_, (t * width + i) * features + k, features, SQUARE, COLUMN)
                at = (t * features + k) * width + i
                store(transposed(square), panels_, at, width, COLUMN)
        for i in range(whole, n):
            for k in range(start, stop):
                panels[t, k, i] = images[t * width + i, k]
        panels[t, start:stop, n:] = 0


@njit(parallel=True)
def unpack(panels, images):
    """The opposite of pack: writes to images (N, features), in any memory order."""
    parts = 16 // max(1, len(panels)) or 1
    for task in prange(len(panels) * parts):
        t, n, start, stop = piece(task, parts, len(images), panels)
        for first in range(start, stop, 16):  # one cache line of an image
            for i in range(n):
                for k in range(first, min(first + 16, stop)):
                    images[t * panels.shape[2] + i, k] = panels[t, k, i]

"""Vectors for numba: tiles of registers that are loaded, multiplied, added and stored.

numba compiles loops well but cannot be told to keep a block of sums in registers, which is
what makes matrix products fast.  Here are the few operations that it takes:

    tile = zeros(rows, cols)                    rows x cols vectors of LANES floats, in registers
    tile = load(a, i, step, rows, cols)         row r from a[i + r*step], its vectors side by side
    tile = splat(a, i, rows)                    a[i + r] in every lane of vector r, one column
    tile = pick(a, i, places, j)                lane l is a[i + places[j + l]], places below WINDOW
    prefetch(a, i, step, rows, cols)            asks memory for what load will load later
    tile = add(tile, other)                     tile[r, c] += other[r, c]
    tile = fma(tile, left, right)               tile[r, c] += left[r] * right[c]
    tile = fma_splat(tile, a, i, step, right)   tile[r, c] += a[i + r*step] * right[c]
    tile = relu(tile)                           max(tile, 0); nan stays nan
    tile = transposed(tile)                     of LANES rows of one vector: rows become lanes
    store(tile, a, i, step, cols)               the opposite of load

`a` is a one-dimensional contiguous float32 array, positions count floats and are not checked.
`rows` and `cols` are tuples of that length, see `times`, because numba compiles a kernel anew for
each type of its arguments, and the length of a tuple is part of its type.

An @intrinsic is called while numba compiles a kernel, not while the kernel runs.  Its parameters
are types.  It returns a signature, written result_type(argument types), and a function `generate`
that writes LLVM instructions through `builder`; there `args` stand for registers, not numbers.  A
Python loop in `generate` runs at compile time: `for r in range(14)` writes 14 instructions and no
loop.
"""

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model


def has(feature):
    """Whether numba compiles for a processor with this feature, such as "avx512f"."""
    if numba.config.CPU_FEATURES is not None:
        return f"+{feature}" in numba.config.CPU_FEATURES.split(",")
    return llvmlite.binding.get_host_cpu_features().get(feature, False)


# Floats in a register, and how many registers a tile may take: of 32 (AVX-512) or 16, four
# are left for what is multiplied.  Any machine runs any of these, slower if they do not fit.
LANES = 16 if has("avx512f") else 8 if has("avx") else 4
TILE = 28 if has("avx512f") else 12
WINDOW = 2 * LANES if has("avx512f") else 256  # numbers that `pick` reaches: places are bytes
PERMUTE = "llvm.x86.avx512.vpermi2var.ps.512"  # what picks from two vectors of AVX-512


def times(count):
    """A tuple of this length, to tell numba a number when it compiles."""
    return (0,) * count


ROW = COLUMN = times(1)  # of a tile: one row, one column of vectors
SQUARE = times(LANES)  # rows of one vector: as many numbers in both directions
VECTOR = ir.VectorType(ir.FloatType(), LANES)
INT32, INT64 = ir.IntType(32), ir.IntType(64)


class Vector(types.Type):
    """numba's name for a register of LANES floats."""

    def __init__(self):
        super().__init__(f"float32x{LANES}")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, VECTOR)


vector = Vector()


def address(context, builder, array_type, array, i, kind):
    """Pointer to array[i], as one to a float or to a vector."""
    if (array_type.dtype, array_type.ndim, array_type.layout) != (types.float32, 1, "C"):
        raise TypeError(f"a contiguous float32 array of one dimension is needed, not {array_type}")
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [i]), kind.as_pointer())


def int64(value):
    return ir.Constant(INT64, value)


@intrinsic
def zeros(typing, rows, cols):
    tile = types.UniTuple(vector, len(rows) * len(cols))

    def generate(context, builder, signature, args):
        return context.make_tuple(builder, tile, [ir.Constant(VECTOR, [0.0] * LANES)] * len(tile))

    return tile(rows, cols), generate


@intrinsic
def load(typing, a, i, step, rows, cols):
    tile = types.UniTuple(vector, len(rows) * len(cols))

    def generate(context, builder, signature, args):
        array, start, step, _, _ = args
        vectors = []
        for _ in range(len(rows)):
            row = address(context, builder, a, array, start, VECTOR)
            for c in range(len(cols)):
                vectors.append(builder.load(builder.gep(row, [int64(c)]), align=4))
            start = builder.add(start, step)
        return context.make_tuple(builder, tile, vectors)

    return tile(a, types.intp, types.intp, rows, cols), generate


@intrinsic
def prefetch(typing, a, i, step, rows, cols):
    def generate(context, builder, signature, args):
        array, start, step, _, _ = args
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, INT32, INT32, INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        options = [ir.Constant(INT32, n) for n in (0, 3, 1)]  # to read, into all caches, of data
        for _ in range(len(rows)):
            row = address(context, builder, a, array, start, VECTOR)
            for c in range(len(cols)):
                place = builder.bitcast(builder.gep(row, [int64(c)]), byte)
                builder.call(function, [place, *options])
            start = builder.add(start, step)
        return context.get_dummy_value()

    return types.void(a, types.intp, types.intp, rows, cols), generate


@intrinsic
def splat(typing, a, i, rows):
    tile = types.UniTuple(vector, len(rows))

    def generate(context, builder, signature, args):
        first = address(context, builder, a, args[0], args[1], ir.FloatType())
        return context.make_tuple(
            builder, tile, [broadcast(builder, first, int64(r)) for r in range(len(rows))]
        )

    return tile(a, types.intp, rows), generate


@intrinsic
def pick(typing, a, i, places, j):
    if (places.dtype, places.ndim, places.layout) != (types.uint8, 1, "C"):
        raise TypeError(f"places are contiguous bytes of one dimension, not {places}")
    tile = types.UniTuple(vector, 1)

    def generate(context, builder, signature, args):
        array, start, bytes_, at = args
        data = context.make_array(places)(context, builder, bytes_).data
        first = builder.gep(data, [at])
        if has("avx512f"):  # one instruction picks from two vectors
            row = address(context, builder, a, array, start, VECTOR)
            halves = [builder.load(builder.gep(row, [int64(c)]), align=4) for c in range(2)]
            lanes = builder.bitcast(first, ir.VectorType(ir.IntType(8), LANES).as_pointer())
            lanes = builder.zext(builder.load(lanes, align=1), ir.VectorType(INT32, LANES))
            kind = ir.FunctionType(VECTOR, [VECTOR, lanes.type, VECTOR])
            permute = cgutils.get_or_insert_function(builder.module, kind, PERMUTE)
            x = builder.call(permute, [halves[0], lanes, halves[1]])
        else:  # one load for each lane
            row = address(context, builder, a, array, start, ir.FloatType())
            x = ir.Constant(VECTOR, ir.Undefined)
            for lane in range(LANES):
                place = builder.zext(builder.load(builder.gep(first, [int64(lane)])), INT64)
                number = builder.load(builder.gep(row, [place]))
                x = builder.insert_element(x, number, ir.Constant(INT32, lane))
        return context.make_tuple(builder, tile, [x])

    return tile(a, types.intp, places, types.intp), generate


@intrinsic
def transposed(typing, tile):
    if len(tile) != LANES:
        raise TypeError(f"a square of {LANES} vectors is transposed, not {len(tile)}")

    def generate(context, builder, signature, args):
        rows = [builder.extract_value(args[0], r) for r in range(LANES)]
        half = 1
        while half < LANES:  # blocks of half x half change places with those across the diagonal
            upper, lower = [], []  # lanes of a row and of the one `half` below it, as one list
            for lane in range(LANES):
                right = bool(lane & half)
                upper.append(LANES + lane - half if right else lane)
                lower.append(LANES + lane if right else lane + half)
            for r in range(LANES):
                if not r & half:
                    pair = rows[r], rows[r + half]
                    for place, lanes in ((r, upper), (r + half, lower)):
                        lanes = ir.Constant(ir.VectorType(INT32, LANES), lanes)
                        rows[place] = builder.shuffle_vector(*pair, lanes)
            half *= 2
        return context.make_tuple(builder, signature.return_type, rows)

    return tile(tile), generate


@intrinsic
def add(typing, tile, other):
    def generate(context, builder, signature, args):
        sums = []
        for i in range(len(tile)):
            left, right = (builder.extract_value(x, i) for x in args)
            sums.append(builder.fadd(left, right))
        return context.make_tuple(builder, tile, sums)

    return tile(tile, other), generate


@intrinsic
def fma(typing, tile, left, right):
    def generate(context, builder, signature, args):
        sums, column, row = args
        lefts = [builder.extract_value(column, r) for r in range(len(left))]  # left: the type
        return multiply_add(context, builder, signature, sums, lefts.__getitem__, row)

    return tile(tile, left, right), generate


@intrinsic
def fma_splat(typing, tile, a, i, step, right):
    def generate(context, builder, signature, args):
        sums, array, start, step, row = args
        first = address(context, builder, a, array, start, ir.FloatType())

        # Each number is loaded where it is used: all of them at once would not fit in registers.
        def factor(r):
            return broadcast(builder, first, builder.mul(step, int64(r)))

        return multiply_add(context, builder, signature, sums, factor, row)

    return tile(tile, a, types.intp, types.intp, right), generate


def broadcast(builder, first, places):
    """The float so many places after the pointer `first`, in every lane."""
    undefined = ir.Constant(VECTOR, ir.Undefined)
    x = builder.load(builder.gep(first, [places]))
    x = builder.insert_element(undefined, x, ir.Constant(INT32, 0))
    lane_0 = ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(x, undefined, lane_0)


def multiply_add(context, builder, signature, tile, factor, right):
    """tile[r, c] + factor(r) * right[c], row by row; factor is called when its row begins."""
    kind, n_cols = signature.return_type, len(signature.args[-1])
    rights = [builder.extract_value(right, c) for c in range(n_cols)]
    sums = []
    for r in range(len(kind) // n_cols):
        x = factor(r)
        for c in range(n_cols):
            # "contract" lets the compiler round once instead of twice, where the machine can.
            product = builder.fmul(x, rights[c], flags=("contract",))
            old = builder.extract_value(tile, len(sums))
            sums.append(builder.fadd(old, product, flags=("contract",)))
    return context.make_tuple(builder, kind, sums)


@intrinsic
def relu(typing, tile):
    def generate(context, builder, signature, args):
        zero = ir.Constant(VECTOR, [0.0] * LANES)
        vectors = []
        for i in range(len(tile)):
            x = builder.extract_value(args[0], i)
            vectors.append(builder.select(builder.fcmp_ordered("<", x, zero), zero, x))
        return context.make_tuple(builder, signature.return_type, vectors)

    return tile(tile), generate


@intrinsic
def store(typing, tile, a, i, step, cols):
    def generate(context, builder, signature, args):
        value, array, start, step, _ = args
        for r in range(len(tile) // len(cols)):
            row = address(context, builder, a, array, start, VECTOR)
            for c in range(len(cols)):
                part = builder.extract_value(value, r * len(cols) + c)
                builder.store(part, builder.gep(row, [int64(c)]), align=4)
            start = builder.add(start, step)
        return context.get_dummy_value()

    return types.void(tile, a, types.intp, types.intp, cols), generate

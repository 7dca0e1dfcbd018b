"""Sums over the points of a block, and of blocks. Points are columns: (d, b)."""

import numpy as np

from .namespace import NUMPY, home, namespace

FEW, FEW_LABELS = 1 << 11, 4  # pairs of a point and a label, or labels, up to which one product is the fastest sum
NARROW = 32  # columns up to which sums of sorted points are taken in one call


def slices(n, size):
    """Slices of `size`, the last one shorter, that cover n."""
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]


def concatenated(arrays):
    """Arrays of integers end to end."""
    return np.concatenate([np.empty(0, dtype=np.intp), *arrays])


def squared_lengths(columns, **options):
    """|z|^2 of each column of (d, b), (b,); summed in a `dtype` or into `out`, if given."""
    if isinstance(columns, np.ndarray):
        return np.einsum("jb,jb->b", columns, columns, **options)  # up to three times as fast
    return namespace(columns).sum(columns * columns, axis=0, **options)


def weighted_sum(values, weights):
    """The sum over the points of values (b,) or (m, b), each times its point's weight, in double precision; a number or (m,)."""
    xp = namespace(values)
    if weights is not None:
        return home(xp.matmul(values, weights))
    if xp is NUMPY and values.ndim == 2:
        return reduce_points(np.add, values, dtype=np.float64)
    return home(xp.sum(values, axis=-1, dtype=xp.float64))


def outer_sum(columns, weights):
    """The sum of w z z^T over columns (d, b); (d, d)."""
    return home((columns if weights is None else columns * weights) @ columns.T)


def reduce_points(ufunc, columns, **options):
    """ufunc.reduce of columns (m, b) over b: 64 points in a stride where a point's numbers stand side by side."""
    if not columns.flags.f_contiguous or columns.shape[1] < 64:
        return ufunc.reduce(columns, axis=1, **options)
    points, whole = columns.T, columns.shape[1] // 64 * 64
    strides = ufunc.reduce(points[:whole].reshape(whole // 64, -1), axis=0, **options).reshape(64, -1)
    return ufunc.reduce(np.concatenate([strides, points[whole:]]), axis=0, **options)


def sum_by_label(labels, columns, weights, K):
    """The weight and the sums of columns (m, b) over the points of each label, (K, 1 + m)."""
    xp = namespace(columns)
    if K <= FEW_LABELS or K * labels.shape[0] <= FEW or xp is not NUMPY:
        ones = one_hot(labels, K, xp.float64, xp)
        ones = ones if weights is None else ones * weights
        return home(xp.concat([xp.sum(ones, axis=1)[:, None], xp.matmul(ones, columns.T)], axis=1))
    labels = labels.astype(np.intp)
    out = np.zeros((K, 1 + len(columns)))
    out[:, 0] = np.bincount(labels, weights, K)
    if columns.flags.f_contiguous:  # a point's numbers stand side by side: bring equal labels together
        order = np.argsort(labels.astype(np.min_scalar_type(K)), kind="stable")
        points, sorted_labels = columns.T.take(order, axis=0), labels.take(order)
        if weights is not None:
            points = points * weights.take(order)[:, None]
        first = np.flatnonzero(np.diff(sorted_labels, prepend=-1))
        if len(columns) <= NARROW:
            out[sorted_labels.take(first), 1:] = np.add.reduceat(points, first, axis=0, dtype=np.float64)
        else:
            for k, part in zip(sorted_labels.take(first), np.split(points, first[1:])):
                np.add.reduce(part, axis=0, dtype=np.float64, out=out[k, 1:])
    else:
        for row, total in zip(columns, out.T[1:]):
            total[:] = np.bincount(labels, row if weights is None else row * weights, K)
    return out


def one_hot(labels, K, dtype, xp=NUMPY):
    """Labels (b,), of NumPy or of the namespace xp, as responsibilities (K, b)."""
    return xp.astype(xp.asarray(labels) == xp.asarray(np.arange(K)[:, None]), dtype)


def add_in_order(parts):
    """Sum of arrays, numbers, or tuples of them, in their order; None counts for nothing."""
    total = None
    for part in parts:
        if part is None:
            continue
        if total is None:
            total = part
        elif isinstance(part, tuple):
            total = tuple(a + b for a, b in zip(total, part))
        else:
            total = total + part
    return total

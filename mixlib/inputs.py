"""Checks of what the caller passes: clear errors at the door, nothing overwritten."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LARGEST, SMALLEST = 1e300, 1e-300  # beyond these a sum or a quotient may leave floating-point numbers


def as_array(values: Any, name: str) -> Array:
    """`values` as a dense array of any dtype, nothing left out."""
    if hasattr(values, "toarray") or hasattr(values, "todense"):
        raise TypeError(
            f"{name} is a sparse matrix; mixlib needs a dense one: pass {name}.toarray(), or, where that is too "
            "large, fewer columns, as sklearn.decomposition.TruncatedSVD makes them"
        )
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked values; drop those rows, or fill them")
    if hasattr(values, "__dlpack__") and not isinstance(values, (np.ndarray, np.generic)):
        return _as_theirs(values, name)
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} must hold numbers in rows of equal length, got a ragged {type(values).__name__}"
        ) from None


def _as_theirs(values, name):
    """An array of another library, by the DLPack protocol or else by NumPy's: its own memory, where that is main memory."""
    for read in (np.from_dlpack, np.asarray):
        try:
            return read(values)
        except Exception as error:  # libraries raise what they like
            reason = error
    kind = f"{type(values).__module__}.{type(values).__name__}"
    raise TypeError(
        f"{name} is a {kind} that NumPy cannot read ({reason}). Bring it to main memory as plain "
        f"numbers, {name}.detach().cpu() in torch, cupy.asnumpy({name}) in CuPy; where it is too large for that, pass a "
        "function that brings it block by block"
    ) from reason


def as_numbers(values: Any, name: str) -> Array:
    """`values` as an array of float64 (or float32, if they are), of any shape; not copied unless needed."""
    array = as_array(values, name)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}; pass real numbers")
    if array.dtype in (np.float32, np.float64):
        return array
    if array.dtype.kind not in "fiubO":
        raise ValueError(
            f"{name} must hold numbers, got dtype {array.dtype}: text, dates and records are no real numbers"
        )
    try:
        with np.errstate(over="ignore"):
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{name} must hold numbers, got dtype {array.dtype} with something else than real numbers of float64 in it"
        ) from None


def as_points(x: Any, name: str = "x") -> Array:
    """`x` as a finite (n, d) array of float64 (or float32, if it is); not copied unless needed."""
    array = as_numbers(x, name)
    check_shape(array.shape, name)
    n = len(array)
    with np.errstate(invalid="ignore"):
        largest = max(-float(array.min()), float(array.max()))
    if not np.isfinite(largest):
        bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
        raise ValueError(
            f"{name} contains NaN or infinity in {bad.size} of {n} rows (first: row {bad[0]}, column "
            f"{int(np.argmin(np.isfinite(array[bad[0]])))}); drop or impute them"
        )
    check_range(largest, name)
    return array


def check_shape(shape, name):
    """Is a shape that of n > 0 points in d > 0 columns?"""
    if len(shape) != 2:
        hint = f"; for one column pass {name}[:, None] (or reshape(-1, 1))" if len(shape) == 1 else ""
        raise ValueError(f"{name} must be 2-D (n points, d columns), got shape {shape}{hint}")
    n, d = shape
    if n == 0:
        raise ValueError(f"{name} has 0 points (shape={shape}); at least one is required")
    if d == 0:
        raise ValueError(f"{name} has 0 feature(s) (shape={shape}) while a minimum of 1 is required")


def check_range(largest, name):
    """Do squares and quotients of numbers up to `largest` stay floating-point numbers?"""
    if largest > LARGEST or 0 < largest < SMALLEST:
        raise ValueError(
            f"{name} has a largest value of {largest:.2g}; divide {name} by it, so that squares and "
            "quotients stay floating-point numbers"
        )


def as_plane(x: Any, name: str) -> Array:
    """(n, 2) points that can be drawn."""
    x = as_numbers(x, name).astype(float)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(
            f"{name} must have shape (n, 2) to be drawn, got {x.shape}; "
            "choose two columns, for example x[:, :2], or project it to two dimensions first"
        )
    return as_points(x, name)


def as_weights(sample_weight: Any, n: int) -> Array | None:
    """`sample_weight` as (n,) float64 with a positive sum, or None."""
    if sample_weight is None:
        return None
    w = np.array(as_numbers(sample_weight, "sample_weight"), dtype=np.float64)
    if w.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), one weight a point, got {w.shape}")
    if not np.isfinite(w).all() or (w < 0).any():
        raise ValueError(
            f"sample_weight must be finite and not negative; {int((~(w >= 0) | np.isinf(w)).sum())} of {n} are not"
        )
    if not w.any():
        raise ValueError(f"sample_weight sums to 0, every one of {n} is zero; at least one must be positive")
    if not SMALLEST <= w.max() <= LARGEST:
        raise ValueError(f"sample_weight has a largest value of {w.max():.2g}; divide sample_weight by it")
    return w


def as_count(value, name, minimum):
    """`value` as an int of at least `minimum`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    if value > np.iinfo(np.intp).max:
        raise ValueError(f"{name} must be at most {np.iinfo(np.intp).max}, got a larger number")
    return int(value)


def as_flag(value, name):
    """`value` as a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def as_n_init(value, init):
    """The number of starts; "auto" is 10 for random points and 1 for better starts."""
    if isinstance(value, str) and value == "auto":
        return 10 if isinstance(init, str) and init == "random" else 1
    return as_count(value, "n_init", 1)


def as_number(value, name, *, positive):
    """`value` as a finite float, positive or at least not negative."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    try:
        value = float(value)
    except OverflowError:
        value = np.inf
    if not np.isfinite(value) or value < 0 or (positive and value == 0):
        raise ValueError(f"{name} must be finite and {'positive' if positive else 'not negative'}, got {value}")
    if value > LARGEST or (positive and value < SMALLEST):
        raise ValueError(f"{name} must lie between {SMALLEST:g} and {LARGEST:g}, got {value}")
    return value


def as_generator(random_state):
    """The generator that a seed stands for, or the one that is given; numpy's old RandomState lends its bits."""
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state._bit_generator  # numpy before 2.2 does not do this by itself
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        got = random_state if isinstance(random_state, Integral) else type(random_state).__name__
        raise TypeError(
            f"random_state must be None, an integer of at least 0 or a numpy Generator, got {got}"
        ) from None


def as_choice(value, name, choices):
    """`value` if it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def as_components(value, n, w, name="n_components"):
    """The number of components K, at most the number of points that count."""
    K = as_count(value, name, 1)
    if n_points(n, w) < K:
        raise ValueError(f"{name}={K} needs at least {K} points of positive weight, got {n_points(n, w)}")
    return K


def n_points(n, w):
    """How many points count."""
    return n if w is None else int((w > 0).sum())


def as_means(means, K, d):
    """Starting means as a (K, d) float64 copy."""
    means = np.array(as_points(means, "init (means)"), dtype=np.float64)
    if means.shape != (K, d):
        raise ValueError(
            f"init means must have shape ({K}, {d}) for n_components={K} and {d} columns, got {means.shape}"
        )
    return means


def as_labels(labels, n, K):
    """Starting labels as (n,) integers from 0 to K-1, each used."""
    labels = as_array(labels, "init labels")
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(f"init labels must be {n} integers, got shape {labels.shape} of {labels.dtype}")
    if labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"init labels must lie in 0..{K - 1} for n_components={K}, got {labels.min()}..{labels.max()}")
    return labels


def as_responsibilities(responsibilities, n, K):
    """Starting responsibilities as (n, K) float64 with rows that sum to one."""
    r = np.array(as_points(responsibilities, "init (responsibilities)"), dtype=np.float64)
    if r.shape != (n, K):
        raise ValueError(f"init responsibilities must have shape ({n}, {K}), got {r.shape}")
    if (r < 0).any() or not np.allclose(r.sum(axis=1), 1, rtol=0, atol=1e-6):
        raise ValueError(
            "init responsibilities must be at least 0 and sum to 1 in each row; "
            f"row sums run from {r.sum(axis=1).min():.6g} to {r.sum(axis=1).max():.6g}"
        )
    return r / r.sum(axis=1, keepdims=True)


def having(value, name, *attributes):
    """`value`, if it has what is asked of it."""
    if not all(hasattr(value, attribute) for attribute in attributes):
        raise TypeError(f"{name} must have {' and '.join(attributes)}, got {type(value).__name__}")
    return value

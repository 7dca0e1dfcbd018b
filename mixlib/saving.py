"""A mixture on disk: one .npz without pickles, and back again."""

import os
import zipfile

import numpy as np

from .covariance import CONSTRAINTS
from .mixture import SUM_TOLERANCE, Mixture

FORMAT = 1  # of the file; raised when an older mixlib could not read it any more
SHAPES = {type(constraint.shape).__name__: constraint.shape for constraint in CONSTRAINTS.values()}


def save(path: str | os.PathLike[str], mixture: Mixture) -> None:
    """Write a mixture to one ``.npz`` file; `load` reads it.

    The factors of the covariances are kept as they are, so that a fit from ``init=load(path)``
    continues as if it had not ended: ``callback=lambda record: save(path, record.mixture)`` makes
    a checkpoint of each iteration. What a fit knows beside its parameters begins anew: the end
    (`tol`) needs three iterations again, and the jumps of ``accelerate=True`` fall on others.

    Parameters
    ----------
    path : str or os.PathLike
        Used as it is: no suffix is added. A file there is replaced when the new one is complete.
    mixture : Mixture

    Raises
    ------
    TypeError
        If it is no `Mixture`.
    OSError
        If the file cannot be written; one that was there stays.

    Notes
    -----
    Holds ``format``, ``shape``, ``weights`` (K,), ``means`` (K, d) and ``factors``, the L of Sigma =
    L L^T: C numbers, (C, d) or (C, d, d), with C = 1 for a shared covariance, else K.
    """
    if not isinstance(mixture, Mixture):
        raise TypeError(f"mixture must be a mixlib.Mixture, such as fit.mixture, got {type(mixture).__name__}")
    path = os.fspath(path)
    unfinished = f"{path}.{os.getpid()}.part"
    try:
        with open(unfinished, "wb") as file:
            np.savez(
                file,
                format=FORMAT,
                shape=type(mixture._shape).__name__,
                weights=mixture.weights,
                means=mixture.means,
                factors=mixture._factors,
            )
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def load(path: str | os.PathLike[str]) -> Mixture:
    """The mixture that `save` wrote.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    Mixture

    Raises
    ------
    ValueError
        If the file is of another kind, of a later format, or damaged.
    """
    path = os.fspath(path)
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            number, shape = int(file["format"]), str(file["shape"])
            if number > FORMAT:
                raise ValueError(f"its format is {number}, and this mixlib reads formats up to {FORMAT}")
            weights, means, factors = (np.array(file[name], dtype=float) for name in ("weights", "means", "factors"))
        mixture = Mixture._of(SHAPES[shape], weights, means, factors)
        if mixture.covariances.shape != means.shape + means.shape[1:] or weights.shape != means.shape[:1]:
            raise ValueError("the shapes of its arrays disagree")
        if not (np.isfinite(means).all() and (weights >= 0).all() and abs(weights.sum() - 1) <= SUM_TOLERANCE):
            raise ValueError("its weights or means are not those of a mixture")
    except (KeyError, AttributeError, TypeError, IndexError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path!r} is no mixture that mixlib.save wrote: {error}") from None
    return mixture

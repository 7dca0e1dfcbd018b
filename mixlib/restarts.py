"""The loop from one start or from several: the best run, and what an interrupted one leaves."""

from contextlib import nullcontext

import numpy as np

from ._engine.threads import one_blas_thread
from ._engine.triangles import Singular
from .errors import Interrupted
from .estep import e_step
from .loop import Run, run
from .progress import Progress
from .result import Fit

BLAS_THREADS_FROM = 128  # columns from which BLAS keeps its threads
BLAS_ALONE_UP_TO = 1 << 17  # multiplications of a product that BLAS does on one thread by itself


def best_run(data, model, K, start, n_starts, *, callback, verbose, **settings):
    """The `Run` of the largest objective, the first among equals, from `n_starts` times the parameters start().

    `settings` are those of `loop.run`. Starts in which a covariance collapses are passed over; raises `Singular`
    if all do, and `Interrupted` on Ctrl-C, with the best that there is.
    """
    best = failure = None
    # BLAS's threads help products of large matrices, get in each other's way in small ones, and leave tiny ones alone
    tiny = data.n * K * (1 + data.d) ** (2 if data.per_component else 1) <= BLAS_ALONE_UP_TO
    with nullcontext() if data.d >= BLAS_THREADS_FROM or tiny else one_blas_thread():
        for number in range(n_starts):
            history = []
            told = Progress(number + 1, n_starts, data.total_weight, callback) if verbose else None
            try:
                found = run(e_step(data, model), start(), callback=told or callback, history=history, **settings)
            except KeyboardInterrupt:
                if best is None and not history:
                    raise
                raise Interrupted(Fit(data, model, _unfinished(history) if best is None else best)) from None
            except Singular as error:
                failure, found = error, None
            if told is not None:
                told.ended(found)
            if found is not None and _better(found, best):
                best = found
    if best is None:
        raise failure
    return best


def _unfinished(history):
    """What an interrupted run leaves: its last record. Labels may be half those of the next one, so they are not kept."""
    last = history[-1]
    return Run(history, last._params, last.objective, False, True, np.empty(0, dtype=np.intp), None, None)


def _better(run, best):
    """Is a run better than the best so far (or None), by more than rounding?"""
    return best is None or run.objective > best.objective + 1e-9 * max(abs(best.objective), abs(run.objective))

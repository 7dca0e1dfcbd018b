"""One EM loop for Gaussian mixtures, of which k-means is a setting."""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from . import datasets
from .criteria import aic, bic, icl
from .em import fit
from .errors import ConvergenceWarning, EmptyComponentWarning, SingularFitError, SingularFitWarning, TooFewPointsError
from .mixture import Mixture
from .prior import Prior
from .record import Record
from .result import Fit
from .seeding import kmeans_plusplus
from .selection import Selection, select

if TYPE_CHECKING:
    from . import plot
    from .estimators import GaussianMixture, KMeans

__version__ = "0.1.0"

# what needs more than NumPy is imported at its first use: name -> module, package, extra of mixlib
_LAZY = {
    "GaussianMixture": (".estimators", "sklearn", "estimators"),
    "KMeans": (".estimators", "sklearn", "estimators"),
    "plot": (".plot", "matplotlib", "plot"),
}


def _installed(package):
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


__all__ = [
    "ConvergenceWarning",
    "EmptyComponentWarning",
    "Fit",
    "Mixture",
    "Prior",
    "Record",
    "Selection",
    "SingularFitError",
    "SingularFitWarning",
    "TooFewPointsError",
    "aic",
    "bic",
    "datasets",
    "fit",
    "icl",
    "kmeans_plusplus",
    "select",
    *(name for name, (_, needed, _) in _LAZY.items() if _installed(needed)),
]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'mixlib' has no attribute {name!r}")
    module, needed, extra = _LAZY[name]
    try:
        module = import_module(module, __name__)
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] != needed:
            raise
        # `from mixlib import KMeans` would not show the words of an AttributeError; hasattr takes nothing else
        importing = sys._getframe(1).f_globals.get("__name__") in ("importlib._bootstrap", "_frozen_importlib")
        raise (ImportError if importing else AttributeError)(
            f"mixlib.{name} needs {needed}: pip install 'mixlib[{extra}]'"
        ) from error
    return getattr(module, name, module)


def __dir__():
    return sorted({*globals(), *__all__})

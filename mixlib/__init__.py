"""One EM loop for Gaussian mixtures, of which k-means is a setting."""

from . import datasets
from .criteria import aic, bic, icl
from .em import fit
from .errors import ConvergenceWarning, EmptyComponentWarning, SingularFitError, SingularFitWarning, TooFewPointsError
from .mixture import Mixture
from .prior import Prior
from .result import Fit, Record
from .seeding import kmeans_plusplus
from .selection import Selection, select

__version__ = "0.1.0"

__all__ = [
    "ConvergenceWarning", "EmptyComponentWarning", "Fit", "Mixture", "Prior", "Record", "Selection",
    "SingularFitError", "SingularFitWarning", "TooFewPointsError", "aic", "bic", "datasets", "fit", "icl",
    "kmeans_plusplus", "select",
]


def __getattr__(name):
    """The scikit-learn estimators, imported at their first use: the rest needs NumPy alone."""
    if name in ("GaussianMixture", "KMeans"):
        from . import estimators
        return getattr(estimators, name)
    raise AttributeError(f"module 'mixlib' has no attribute {name!r}")

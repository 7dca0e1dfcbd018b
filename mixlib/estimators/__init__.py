"""scikit-learn estimators over `fit`: parameters in, attributes out, no algorithm (needs scikit-learn)."""

from .gaussian_mixture import GaussianMixture
from .kmeans import KMeans

__all__ = ["GaussianMixture", "KMeans"]

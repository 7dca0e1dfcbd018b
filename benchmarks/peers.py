"""mixlib and its peers, each as a function of the same arguments: same data, same start, same work.

A peer takes (x, start, iterations). k-means gives its centres after so many iterations (None: at
convergence), seeding its seeds, EM the log-likelihood a point. What cannot be imported is
missing, and said to be.
"""

import warnings

import numpy as np

MOST = 1000  # more iterations than any k-means case needs


def peers_of(work):
    """Name -> function for those that can be imported, and name -> reason for those missing."""
    if work == "seeding":
        return _importable({"mixlib": _mixlib_seeds, "scikit-learn": _sklearn_seeds})
    if work.startswith("k-means"):
        peers = {"mixlib": _mixlib_kmeans, "scikit-learn lloyd": _sklearn_kmeans("lloyd"), "faiss": _faiss}
        if work == "k-means":  # elkan's time is in its first iteration; the others cannot be asked for a number
            peers |= {"scikit-learn elkan": _sklearn_kmeans("elkan"), "OpenCV": _opencv_kmeans, "mlpack": _mlpack}
        return _importable(peers)
    peers = {"mixlib": _mixlib_em(work), "scikit-learn": _sklearn_em(work)}
    if work in ("full", "diag", "spherical"):
        peers["OpenCV"] = _opencv_em(work)
    if work in ("full", "diag"):
        peers["pomegranate"] = _pomegranate(work)
    return _importable(peers)


def _importable(peers):
    modules = {"scikit-learn": "sklearn", "OpenCV": "cv2"}
    found, missing = {}, {}
    for name, peer in peers.items():
        try:
            first = name.split()[0]
            __import__(modules.get(first, first))
            found[name] = peer
        except Exception as error:  # a peer that breaks at import is missing too
            missing[name] = f"{type(error).__name__}: {error}"
    return found, missing


def _mixlib_seeds(x, start, iterations):
    import mixlib

    return mixlib.kmeans_plusplus(x, len(start), 0)


def _sklearn_seeds(x, start, iterations):
    """One candidate a seed, as in mixlib and in the paper; the default here is more."""
    from sklearn.cluster import kmeans_plusplus

    return kmeans_plusplus(x, len(start), n_local_trials=1, random_state=0)[0]


def _mixlib_kmeans(x, start, iterations):
    import mixlib

    return mixlib.fit(
        x,
        len(start),
        covariance="identity",
        weights="equal",
        assignment="hard",
        init=start,
        max_iter=iterations or MOST,
        tol=0,
    ).mixture.means


def _sklearn_kmeans(algorithm):
    def run(x, start, iterations):
        from sklearn.cluster import KMeans

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it did not converge: it was not to
            return (
                KMeans(len(start), init=start, n_init=1, tol=0, max_iter=iterations or MOST, algorithm=algorithm)
                .fit(x)
                .cluster_centers_
            )

    return run


def _faiss(x, start, iterations):
    """faiss works in float32 and stops after a number of iterations: 100 where convergence is asked for."""
    import faiss

    model = faiss.Kmeans(
        x.shape[1], len(start), niter=iterations or 100, max_points_per_centroid=len(x), min_points_per_centroid=1
    )
    model.train(np.ascontiguousarray(x, dtype=np.float32), init_centroids=start.astype(np.float32))
    return model.centroids


def _opencv_kmeans(x, start, iterations):
    """OpenCV works in float32, takes starting labels, and stops after 100 iterations at the latest."""
    import cv2

    x = np.ascontiguousarray(x, dtype=np.float32)
    labels = np.empty((len(x), 1), dtype=np.int32)
    for first in range(0, len(x), 4096):
        part = x[first : first + 4096]
        labels[first : first + 4096, 0] = (-2 * part @ start.T + (start**2).sum(axis=1)).argmin(axis=1)
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-6)
    return cv2.kmeans(x, len(start), labels, criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS)[2]


def _mlpack(x, start, iterations):
    import mlpack

    return mlpack.kmeans(
        input_=x.astype(np.float64),
        clusters=len(start),
        initial_centroids=start.astype(np.float64),
        max_iterations=MOST,
        algorithm="hamerly",
        labels_only=True,
    )["centroid"]


def _mixlib_em(covariance):
    def run(x, start, iterations):
        import mixlib

        fit = mixlib.fit(x, len(start), covariance=covariance, init=start, tol=0, max_iter=iterations)
        return fit.history[-1].objective / len(x)

    return run


def _sklearn_em(covariance):
    def run(x, start, iterations):
        from sklearn.mixture import GaussianMixture

        K, d = start.shape
        total = np.cov(x.T, bias=True).reshape(d, d)
        precision = {
            "full": np.repeat(np.linalg.inv(total)[None], K, axis=0),
            "tied": np.linalg.inv(total),
            "diag": np.repeat(1 / np.diag(total)[None], K, axis=0),
            "spherical": np.full(K, d / np.trace(total)),
        }[covariance]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it did not converge: it was not to
            model = GaussianMixture(
                K,
                covariance_type=covariance,
                weights_init=np.full(K, 1 / K),
                means_init=start,
                precisions_init=precision,
                reg_covar=0,
                tol=0,
                max_iter=iterations,
            ).fit(x)
        return model.score(x)  # lower_bound_ lags behind by one M-step

    return run


def _opencv_em(covariance):
    """OpenCV's Python takes means, but no covariances: its iterates are others."""
    kind = {"full": "COV_MAT_GENERIC", "diag": "COV_MAT_DIAGONAL", "spherical": "COV_MAT_SPHERICAL"}

    def run(x, start, iterations):
        import cv2

        model = cv2.ml.EM_create()
        model.setClustersNumber(len(start))
        model.setCovarianceMatrixType(getattr(cv2.ml, "EM_" + kind[covariance]))
        model.setTermCriteria((cv2.TERM_CRITERIA_COUNT, iterations, 0))
        log_likelihood = model.trainE(x.astype(np.float64), start.astype(np.float64))[1]
        return float(log_likelihood.mean())

    return run


def _pomegranate(covariance):
    def run(x, start, iterations):
        import torch
        from pomegranate.distributions import Normal
        from pomegranate.gmm import GeneralMixtureModel

        total = np.cov(x.T, bias=True).reshape(x.shape[1], -1)
        spread = torch.tensor(total if covariance == "full" else np.diag(total), dtype=torch.float64)
        parts = [
            Normal(torch.tensor(m, dtype=torch.float64), spread.clone(), covariance_type=covariance) for m in start
        ]
        model = GeneralMixtureModel(parts, tol=0, max_iter=iterations)
        points = torch.tensor(x, dtype=torch.float64)
        model.fit(points)
        return float(model.log_probability(points).mean())

    return run

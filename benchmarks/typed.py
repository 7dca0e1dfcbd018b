"""As typed: `KMeans(k).fit(x)` and `GaussianMixture(k).fit(x)` with all defaults, beside scikit-learn's.

Each data set is fitted with many seeds by both, in turn, in this process. The table has the least
time of each (others may use the machine), the ratio of the peer's to mixlib's, mean and worst
quality over the seeds (log-likelihood a point; inertia), and the time that mixlib takes to the
peer's own mean quality. `python benchmarks/run.py --typed`, or this file with names of data sets.
"""

import sys
import time
import warnings

import numpy as np
from sklearn import cluster, datasets, mixture

import mixlib

SEEDS = 20
LARGE = 10**5  # points from which fewer seeds are run


def blobs(n, d, K):
    rng = np.random.default_rng(0)
    centres = 2 * rng.normal(size=(K, d))
    return centres[rng.integers(K, size=n)] + rng.normal(size=(n, d))


def texts(n=5000, d=100, topics=20):
    """Unit vectors that bundle about mixed topics, as texts do after a singular value decomposition."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(topics, d)) * np.geomspace(1, 0.1, d)
    x = rng.dirichlet(np.full(topics, 0.1), size=n) @ directions + 0.15 * rng.normal(size=(n, d)) * np.geomspace(
        1, 0.1, d
    )
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def image():
    pixels = datasets.load_sample_image("china.jpg").reshape(-1, 3).astype(float)
    return pixels[np.random.default_rng(0).permutation(len(pixels))[:LARGE]]


DATA = {
    "Old Faithful": (lambda: mixlib.datasets.old_faithful().x, 2),
    "iris": (lambda: mixlib.datasets.iris().x, 3),
    "wine": (lambda: datasets.load_wine().data, 3),
    "breast cancer": (lambda: datasets.load_breast_cancer().data, 2),
    "digits": (lambda: datasets.load_digits().data, 10),
    "texts (5000, 100)": (texts, 20),
    "image (1e5, 3)": (image, 16),
    "(1e5, 2)": (lambda: blobs(10**5, 2, 8), 8),
    "(1e5, 8)": (lambda: blobs(10**5, 8, 8), 8),
    "(1e5, 16)": (lambda: blobs(10**5, 16, 16), 16),
    "(1e6, 2)": (lambda: blobs(10**6, 2, 8), 8),
}


def fitted(model, x):
    """The model, and the seconds that it took; warnings are the user's matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.perf_counter()
        model.fit(x)
        return model, time.perf_counter() - begin


def compare(name, kind, seeds):
    """A row of the table: a dict."""
    load, K = DATA[name]
    x = load()
    models = {
        "KMeans": (mixlib.KMeans, cluster.KMeans),
        "GaussianMixture": (mixlib.GaussianMixture, mixture.GaussianMixture),
    }
    quality = (lambda m: -m.inertia_) if kind == "KMeans" else (lambda m: m.score(x))
    times, found = ([], []), ([], [])
    for seed in range(seeds):
        for side, make in enumerate(models[kind]):
            model, seconds = fitted(make(K, random_state=seed), x)
            times[side].append(seconds)
            found[side].append(quality(model))
    return {
        "data": name,
        "kind": kind,
        "seeds": seeds,
        "least": [min(t) for t in times],
        "median": [float(np.median(t)) for t in times],
        "mean": [float(np.mean(q)) for q in found],
        "worst": [float(min(q)) for q in found],
        "reaches": time_to(kind, K, x, np.mean(found[1])),
    }


def time_to(kind, K, x, target):
    """Seconds until mixlib stands at `target`, the least of three runs; None if it never does."""
    if kind == "KMeans":
        return None
    least = None
    for seed in range(3):
        begin = time.perf_counter()

        def there(record, begin=begin):
            return record.objective >= target * len(x)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fit = mixlib.fit(x, K, init="k-means", accelerate=True, random_state=seed, callback=there)
            except mixlib.SingularFitError:
                continue
        seconds = time.perf_counter() - begin
        if fit.objective >= target * len(x):
            least = seconds if least is None else min(least, seconds)
    return least


def described(row):
    ours, theirs = row["least"]
    reaches = "" if row["reaches"] is None else f"   to the peer's mean {theirs / row['reaches']:6.1f} x"
    return (
        f"{row['kind']:16} {row['data']:18} {1e3 * ours:9.2f} ms {theirs / ours:7.2f} x   mean {row['mean'][0]:12.6g} "
        f"({row['mean'][1]:.6g})   worst {row['worst'][0]:12.6g} ({row['worst'][1]:.6g}){reaches}"
    )


def main(names=(), kinds=("KMeans", "GaussianMixture")):
    print(
        "least time of mixlib, scikit-learn's over it; mean and worst quality over the seeds, scikit-learn's in brackets"
    )
    rows = []
    for name in names or DATA:
        for kind in kinds:
            rows.append(compare(name, kind, SEEDS if len(DATA[name][0]()) < LARGE else 5))
            print(described(rows[-1]), flush=True)
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])

"""Single calls beside scikit-learn's: capped k-means, what fitted models are asked, high dimension, many components.

Same data, same start, same work, in turn in this process; medians of 5 to 40 rounds, ratios of the
clock and of the processor. A pause before each call lets the threads of the other library come to rest. Part of `python benchmarks/run.py --typed`, or this file with words
that the rows to run contain.
"""

import sys
import time
import warnings

import numpy as np
from peers import peers_of
from sklearn import cluster, mixture
from typed import blobs, keep

import mixlib

LEAST, MOST, SECONDS = 5, 40, 3  # rounds, and the time after which more than the least are not begun
PAUSE = 0.03


def rows():
    """Name -> function that makes the two calls to be compared."""
    found = {}
    for n, d, K in ((10**6, 2, 8), (10**6, 2, 64)):
        for most in (10, 40, None):
            what = "all" if most is None else most
            found[f"k-means, {what} iterations ({n:.0e}, {d}, {K})"] = lambda n=n, d=d, K=K, m=most: capped(n, d, K, m)
    for n, d, K in ((10**6, 2, 8), (10**5, 16, 16), (2 * 10**4, 64, 200)):
        for kind, methods in ASKED.items():
            for method in methods:
                name = f"{kind}.{method} ({n:.0e}, {d}, {K})"
                found[name] = lambda n=n, d=d, K=K, kind=kind, method=method: asked(n, d, K, kind, method)
    for n, d, K in ((10**4, 100, 10), (6000, 300, 5), (6000, 500, 4), (6000, 1000, 3)):
        found[f"EM, 3 iterations, full ({n}, {d}, {K})"] = lambda n=n, d=d, K=K: em("full", blobs(n, d, K), K)
    for n, d, K in ((10**5, 8, 100), (2 * 10**4, 8, 10**4)):
        found[f"EM, 3 iterations, diag ({n}, {d}, {K})"] = lambda n=n, d=d, K=K: many(blobs(n, d, K), K)
    found["k-means, n = K = 3000"] = lambda: seeded(blobs(3000, 2, 8), 3000, {})
    random = {"init": "random", "n_init": 1, "max_iter": 10, "tol": 0}
    found["k-means, 10 iterations, random start (1e5, 2, 1000)"] = lambda: seeded(blobs(10**5, 2, 50), 1000, random)
    return found


ASKED = {
    "KMeans": ("predict", "transform", "score"),
    "GaussianMixture": ("predict", "predict_proba", "score_samples", "score"),
}


def capped(n, d, K, most):
    x = blobs(n, d, K)
    start = x[np.random.default_rng(1).choice(n, K, replace=False)]
    peers = peers_of("k-means")[0]
    return tuple(lambda peer=peers[name]: peer(x, start, most) for name in ("mixlib", "scikit-learn lloyd"))


def asked(n, d, K, kind, method):
    x = blobs(n, d, K)
    few = x[: max(5000, 20 * K)]
    if kind == "KMeans":
        models = [
            kind(K, init=few[:K], n_init=1, max_iter=3, tol=0).fit(few) for kind in (mixlib.KMeans, cluster.KMeans)
        ]
    else:
        models = [
            mixlib.GaussianMixture(K, init=few[:K], max_iter=1, prior=mixlib.Prior(), tol=0).fit(few),
            mixture.GaussianMixture(K, max_iter=1, reg_covar=1e-3).fit(few),
        ]
    return tuple(lambda model=model: getattr(model, method)(x) for model in models)


def em(covariance, x, K):
    start, peers = mixlib.kmeans_plusplus(x, K, random_state=0), peers_of(covariance)[0]  # a point of each blob
    return tuple(lambda peer=peers[name]: peer(x, start, 3) for name in ("mixlib", "scikit-learn"))


def many(x, K):
    """With so many components one collapses: a prior on one side, reg_covar on the other."""
    start, settings = x[:K].copy(), {"tol": 0, "max_iter": 3}
    precisions = np.repeat(1 / x.var(axis=0)[None], K, axis=0)
    theirs = {"weights_init": np.full(K, 1 / K), "means_init": start, "precisions_init": precisions, "reg_covar": 1e-2}
    return (
        lambda: mixlib.fit(x, K, covariance="diag", init=start, prior=mixlib.Prior(), **settings),
        lambda: mixture.GaussianMixture(K, covariance_type="diag", **theirs, **settings).fit(x),
    )


def seeded(x, K, settings):
    return tuple(
        lambda kind=kind: kind(K, random_state=0, **settings).fit(x) for kind in (mixlib.KMeans, cluster.KMeans)
    )


def main(words=()):
    print("\nsingle calls: median time of mixlib, scikit-learn's over it")
    for name, make in rows().items():
        if words and not any(word in name for word in words):
            continue
        calls, times, spent = make(), ([], []), 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for done in range(MOST):
                if done and spent > (20 if done < LEAST else SECONDS):
                    break
                for call, kept in zip(calls, times):
                    time.sleep(PAUSE)
                    begin = np.array([time.perf_counter(), time.process_time()])
                    call()
                    kept.append(np.array([time.perf_counter(), time.process_time()]) - begin)
                    spent += kept[-1][0]
        ours, theirs = (np.median(kept, axis=0) for kept in times)
        clock, processor = theirs / ours
        keep(
            "calls",
            [{"name": name, "seconds": float(ours[0]), "ratio": float(clock), "processor": float(processor)}],
        )
        print(f"{name:52} {1e3 * ours[0]:9.1f} ms {clock:6.2f} x (processor {processor:5.2f} x)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

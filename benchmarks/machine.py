"""What this machine can do at most, measured in the same run as everything else."""

import os
import time

import numpy as np


def limits(rounds=5):
    """Matrix-product FLOP/s, memory bandwidth in bytes/s, exponentials/s, on all cores that BLAS uses."""
    rng = np.random.default_rng(0)
    a, big = rng.normal(size=(1500, 1500)), rng.normal(size=3 * 10**7)
    out, small = np.empty_like(big), -rng.uniform(0, 20, size=1 << 15)
    copy = np.empty_like(small)
    flops = 2 * 1500**3 / _best(lambda: a @ a, rounds)
    bandwidth = 2 * big.nbytes / _best(lambda: np.copyto(out, big), rounds)
    exps = small.size * 100 / _best(lambda: [np.exp(small, out=copy) for _ in range(100)], rounds)
    return {"matrix product [FLOP/s]": flops, "copy [bytes/s]": bandwidth, "exp, one core [1/s]": exps}


def least_seconds(case, limit):
    """A lower bound of the time: products and exponentials at the machine's own speed."""
    n, d, K = case.n, case.d, case.K
    features = {"full": 1 + d + d * (d + 1) // 2, "diag": 1 + 2 * d, "spherical": 2 + d}.get(case.work, 1 + d)
    products = (2 if case.work.startswith("k-means") else 4) * n * K * features
    exps = 0 if case.work.startswith("k-means") else n * K / os.cpu_count()
    return max(
        products / limit["matrix product [FLOP/s]"] + exps / limit["exp, one core [1/s]"],
        8 * n * d / limit["copy [bytes/s]"],
    )


def _best(task, rounds):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)

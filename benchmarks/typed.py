"""As typed: `KMeans(k).fit(x)` and `GaussianMixture(k).fit(x)` with all defaults, beside scikit-learn's.

Each data set is fitted with many seeds by both, in turn, in this process. The table has mixlib's
median time and the ratio of the peer's to it, of the clock and of the processor (others may use
the machine), mean and worst quality over the seeds (log-likelihood a point; inertia), and how
many times sooner than the peer ends mixlib stands at the peer's own mean quality.
`python benchmarks/run.py --typed`, or this file with names of data sets. Rows are kept in
benchmarks/typed.json, and benchmarks/typed.md, which the book shows, is written from them.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn import cluster, datasets, mixture

import mixlib

HERE = Path(__file__).parent
SEEDS, MOST_SEEDS = 20, 100  # more than the least where a fit takes less than SHORT seconds
SHORT = 0.05
FEW_SEEDS = {"(1e6, 2)": 5}  # a fit of the peer takes many seconds


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
    return pixels[np.random.default_rng(0).permutation(len(pixels))[: 10**5]]


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
    """The model, and the seconds that it took, of the clock and of the processor; warnings are the user's matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = np.array([time.perf_counter(), time.process_time()])
        model.fit(x)
        return model, np.array([time.perf_counter(), time.process_time()]) - begin


MODELS = {
    "KMeans": (mixlib.KMeans, cluster.KMeans),
    "GaussianMixture": (mixlib.GaussianMixture, mixture.GaussianMixture),
}


def compare(name, kind):
    """A row of the table: a dict; of mixlib first, then of the peer."""
    load, K = DATA[name]
    x = load()
    quality = (lambda m: -m.inertia_) if kind == "KMeans" else (lambda m: m.score(x))
    first = [fitted(make(K, random_state=0), x)[1][0] for make in MODELS[kind]]  # imports and pools do not count
    seeds = FEW_SEEDS.get(name, MOST_SEEDS if max(first) < SHORT else SEEDS)
    times, found, smallest = ([], []), ([], []), ([], [])
    for seed in range(seeds):
        for side, make in enumerate(MODELS[kind]):
            model, seconds = fitted(make(K, random_state=seed), x)
            times[side].append(seconds)
            found[side].append(quality(model))
            smallest[side].append(np.bincount(model.predict(x), minlength=K).min())
    regular = [np.array(counts) > x.shape[1] for counts in smallest]
    medians = [np.median(t, axis=0) for t in times]
    there, share = time_to(kind, K, x, np.mean(found[1]), seeds)
    return {
        "name": f"{kind} {name}",
        "data": name,
        "kind": kind,
        "seeds": seeds,
        "seconds": float(medians[0][0]),
        "ratio": float(medians[1][0] / medians[0][0]),
        "processor": float(medians[1][1] / medians[0][1]),
        "mean": [float(np.mean(q)) for q in found],
        "worst": [float(min(q)) for q in found],
        "singular": [int(np.sum(~r)) for r in regular],
        "mean of the others": [float(np.mean(np.array(q)[r])) if r.any() else None for q, r in zip(found, regular)],
        "sooner": None if there is None else float(medians[1][0] / there),
        "reaching": share,
    }


def time_to(kind, K, x, target, seeds):
    """Median seconds until mixlib stands at `target`, over the seeds that get there, and their share."""
    n, d = x.shape
    settings = {"init": "k-means", "accelerate": True}
    target = target * n
    if kind == "KMeans":
        settings = {"covariance": "identity", "weights": "equal", "assignment": "hard", "init": "local search"}
        target = target / n / 2 - n * (np.log(K) + d * np.log(2 * np.pi) / 2)  # (5.3): minus half of J
    target -= 1e-9 * abs(target)
    times = []
    for seed in range(seeds):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            begin = time.perf_counter()
            try:
                fit = mixlib.fit(x, K, random_state=seed, callback=lambda r: bool(r.objective >= target), **settings)
            except mixlib.SingularFitError:
                break  # the estimator would take a prior
        if fit.objective >= target:
            times.append(time.perf_counter() - begin)
    return (float(np.median(times)) if times else None), len(times) / seeds


def described(row):
    sooner = "" if row["sooner"] is None else f"   there {row['sooner']:5.1f} x sooner ({row['reaching']:.0%})"
    return (
        f"{row['kind']:16} {row['data']:18} {row['seeds']:4} seeds {1e3 * row['seconds']:9.2f} ms {row['ratio']:6.2f} x "
        f"(processor {row['processor']:5.2f} x)   mean {row['mean'][0]:12.6g} ({row['mean'][1]:.6g})   "
        f"worst {row['worst'][0]:12.6g} ({row['worst'][1]:.6g}){sooner}"
    )


def keep(part, rows):
    """Rows (dicts with a "name") join those of typed.json, in the place of older ones; typed.md is written anew."""
    path = HERE / "typed.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"as typed": [], "calls": []}
    named = {row["name"]: row for row in kept[part]} | {row["name"]: row for row in rows}
    kept[part] = list(named.values())
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (HERE / "typed.md").write_text(tables(kept), encoding="utf-8")


def tables(kept):
    """The two tables of the book."""
    lines = []
    for kind, quality in (("GaussianMixture", "log-likelihood a point"), ("KMeans", "inertia")):
        lines += [
            f"*`{kind}(k).fit(x)`:* time of a fit, and {quality}, mixlib's first.",
            "",
            "| data | seeds | time | ratio | mean | worst | as good as scikit-learn's mean |",
            "|---|---|---|---|---|---|---|",
        ]
        remarks = []
        for row in kept["as typed"]:
            if row["kind"] == kind:
                sign = -1 if kind == "KMeans" else 1
                mean, worst = (" / ".join(f"{sign * v:.6g}" for v in row[which]) for which in ("mean", "worst"))
                sooner = "–" if row["sooner"] is None else f"{row['sooner']:.1f} times sooner ({row['reaching']:.0%})"
                lines.append(
                    f"| {row['data']} | {row['seeds']} | {seconds(row)} | {row['ratio']:.2f} | {mean} | {worst} | {sooner} |"
                )
            if kind == row["kind"] == "GaussianMixture" and any(row.get("singular", ())):
                remarks.append(remark(row))
        lines += ["", *remarks]
    lines += ["*Single calls*, the same work on both sides.", "", "| call | time | ratio |", "|---|---|---|"]
    lines += [f"| {row['name']} | {seconds(row)} | {row['ratio']:.2f} |" for row in kept["calls"]]
    return "\n".join(lines) + "\n"


def remark(row):
    """Where covariances are singular but for what is added to them the log-likelihood says little."""
    ours, theirs = row["singular"]
    means = " / ".join("–" if mean is None else f"{mean:.6g}" for mean in row["mean of the others"])
    return (
        f"On {row['data']} a component holds no more points than there are dimensions in {ours} of mixlib's {row['seeds']} "
        f"fits and in {theirs} of scikit-learn's. The means of the others are {means}.\n"
    )


def seconds(row):
    ms = 1e3 * row["seconds"]
    return f"{ms:.2g} ms" if ms < 10 else f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1e3:.1f} s"


def main(names=(), kinds=tuple(MODELS)):
    print("median time of mixlib, scikit-learn's over it; mean and worst quality, scikit-learn's in brackets;")
    print("how many times sooner than scikit-learn ends mixlib is as good as its mean (and how often)")
    for name in names or DATA:
        for kind in kinds:
            row = compare(name, kind)
            print(described(row), flush=True)
            keep("as typed", [row])


if __name__ == "__main__":
    main(sys.argv[1:])

"""Past memory and past one machine: files, Dask, k-means||, and a model of what an iteration costs.

    python benchmarks/streams.py [--folder DIR] [--gigabytes 8.2] [--only NAME ...]

writes benchmarks/streams.md. Sections: seeds, online, file, threads, workers, dask-ml, model, arrays. Ratios come
from turns taken one after the other. A section says if other work took part of the machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
KMEANS = {"covariance": "identity", "weights": "equal", "assignment": "hard"}
SIZE = (10**6, 16, 16)


def blobs(seed, n, d, K, spread=2.0, dtype=np.float64):
    """Overlapping blobs as in cases.py, and the centres."""
    rng = np.random.default_rng(seed)
    centres = spread * rng.normal(size=(K, d))
    x = rng.normal(size=(n, d)).astype(dtype)
    x += centres[rng.integers(K, size=n)].astype(dtype)
    return x, centres + rng.normal(size=(K, d))


def seconds_of_passes(data, start, setting, passes=4, clock=time.perf_counter, between=None):
    """Seconds of an iteration, the least of some; neither the preparation nor what is done `between` them counts."""
    import mixlib

    ends, begins = [], []

    def note(record):
        ends.append(clock())
        if between is not None:
            between()
        begins.append(clock())

    mixlib.fit(data, len(start), init=start, tol=0, max_iter=passes, callback=note, **setting)
    times = np.subtract(ends[1:], begins[:-1])[-max(1, passes - 1) :]
    return float(times.min())  # other work only adds to it


# k-means|| beside k-means++


def seeds(options):
    """Mean cost of the seeds, and after Lloyd, each over the mean of k-means++."""
    import mixlib
    from mixlib._engine.data import Data
    from mixlib.covariance import CONSTRAINTS
    from mixlib.nearest import inertia
    from mixlib.oversampling import kmeans_parallel
    from mixlib.seeding import greedy_plusplus, plusplus

    rows = []
    cases = [("overlapping", 20, 2.0), ("separated", 20, 10.0), ("overlapping", 100, 2.0), ("separated", 100, 10.0)]
    for kind, K, spread in cases:
        x, _ = blobs(K, 20000, 8, K, spread)
        data, found = Data(x, None, CONSTRAINTS["identity"]), {}
        ways = {
            "k-means++": lambda rng: x[plusplus(data, K, rng)],
            "greedy k-means++": lambda rng: x[greedy_plusplus(data, K, rng)],
            "k-means||": lambda rng: kmeans_parallel(data, K, rng),
        }
        for name, draw in ways.items():
            costs = []
            for seed in range(20):
                start = draw(np.random.default_rng(seed))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    end = mixlib.fit(x, K, init=start, **KMEANS).inertia
                costs.append((inertia(x, start, None), end))
            found[name] = np.array(costs)
        base = found["k-means++"].mean(axis=0)
        for name, costs in found.items():
            mean, error = costs.mean(axis=0) / base, costs.std(axis=0, ddof=1) / np.sqrt(len(costs)) / base
            rows.append([f"{kind}, K = {K}", name, *(f"{m:.3f} ± {e:.3f}" for m, e in zip(mean, error))])
    return table(
        "**Seeds**: mean sum of squares over that of k-means++ with one candidate (20 draws ± a standard error), n = 20,000, d = 8",
        ["data", "seeds", "at the start", "after Lloyd"],
        rows,
    )


# Batches


def online(options, passes=(1, 2, 5), n_seeds=20):
    """J above the end of Lloyd from the same start, after some passes of partial_fit; of scikit-learn's too."""
    from sklearn import cluster, datasets

    import mixlib
    from mixlib.nearest import inertia

    pixels = datasets.load_sample_image("china.jpg").reshape(-1, 3).astype(float)
    cases = (
        ("blobs, n = 20,000, d = 8, K = 20", blobs(3, 20000, 8, 20)[0], 20, 200),
        ("digits, n = 1797, d = 64, K = 10", datasets.load_digits().data, 10, 100),
        (
            "colours of an image, n = 100,000, d = 3, K = 16",
            np.random.default_rng(0).permutation(pixels)[: 10**5],
            16,
            1000,
        ),
    )
    kinds = {
        "mixlib": lambda K, start, seed: mixlib.KMeans(K, init=start),
        "scikit-learn": lambda K, start, seed: cluster.MiniBatchKMeans(K, init=start, n_init=1, random_state=seed),
    }
    rows = []
    for name, x, K, batch in cases:
        above, seconds = {kind: [] for kind in kinds}, dict.fromkeys(kinds, 0.0)
        for seed in range(n_seeds):
            start = mixlib.kmeans_plusplus(x, K, random_state=seed)
            order = np.random.default_rng(seed).permutation(len(x))
            batches = [x[order[first : first + batch]] for first in range(0, len(x), batch)]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                end = mixlib.fit(x, K, init=start, **KMEANS).inertia
            for kind, make in kinds.items():
                model, found = make(K, start, seed), []
                for number in range(1, max(passes) + 1):
                    begin = time.perf_counter()
                    for part in batches:
                        model.partial_fit(part)
                    seconds[kind] += time.perf_counter() - begin
                    if number in passes:
                        found.append(100 * (inertia(x, model.cluster_centers_.astype(float), None) / end - 1))
                above[kind].append(found)
        for kind, found in above.items():
            mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(n_seeds)
            each = 1e3 * seconds[kind] / (n_seeds * max(passes) * len(batches))
            cells = [f"{m:.2f} ± {e:.2f}" for m, e in zip(mean, error)]
            rows.append([name, batch, kind, *cells, f"{each:.2f} ms", f"{seconds[kind] / seconds['mixlib']:.2f}"])
    return table(
        f"**Batches**: `partial_fit` of `KMeans` beside `MiniBatchKMeans`, the same starts and batches; percent above the end of "
        f"Lloyd's algorithm from the same start, mean of {n_seeds} starts ± a standard error",
        ["data", "batch", "of", *(f"{p} pass{'es' * (p > 1)}" for p in passes), "a batch takes", "over mixlib's"],
        rows,
    )


# A file larger than the memory that is used


def file(options):
    """Peak memory and throughput of a fresh process that streams a large file."""
    d, n = 16, int(options.gigabytes * 1e9 / 8 / 16)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path, begin = Path(folder) / "large.npy", time.perf_counter()
        write_blobs(path, n, d)
        print(f"wrote {path.stat().st_size / 1e9:.1f} GB in {time.perf_counter() - begin:.0f} s", flush=True)
        rows, gigabytes = [], path.stat().st_size / 1e9
        copy = copied_bytes_a_second() / 1e9
        for name in ("k-means, K = 16", "diag, K = 16"):
            cold, warm = read_seconds(path, cold=True), read_seconds(path, cold=False)
            done = subprocess.run(
                [sys.executable, __file__, "--stream", str(path), name], capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
            rows.append([name, f"{gigabytes:.1f} GB", f"{found['peak']:.2f} GB"])
            for seconds, read in ((found["cold"], cold), (found["warm"], warm)):
                rate = gigabytes / seconds
                rows[-1] += [
                    f"{seconds:.1f} s, {rate:.2f} GB/s",
                    f"{read / seconds:.0%} of {gigabytes / read:.2f} GB/s",
                ]
            rows[-1].append(f"{rate / copy:.0%} of {copy:.1f} GB/s")
    return table(
        f"**A file**: n = {n:.3g}, d = {d}, an iteration, once the system has forgotten the file and once from its cache",
        [
            "work",
            "file",
            "peak memory",
            "from the disk",
            "of a plain read",
            "from the cache",
            "of a plain read",
            "of memory copies",
        ],
        rows,
    )


def write_blobs(path, n, d, rows=1 << 20):
    """A .npy file of blobs, written block by block: one block of noise, moved and mixed."""
    rng = np.random.default_rng(0)
    centres, noise = 2.0 * rng.normal(size=(16, d)), rng.normal(size=(rows, d))
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(n, d))
    for first in range(0, n, rows):
        part = slice(first, min(first + rows, n))
        shift = int(rng.integers(rows))
        out[part] = (np.roll(noise, shift, axis=0) + centres[rng.integers(16, size=rows)])[: part.stop - part.start]
    out.flush()


def read_seconds(path, cold, size=1 << 25):
    """Plain reading of the whole file; `cold`: after the system has forgotten it."""
    buffer = bytearray(size)
    with open(path, "rb", buffering=0) as opened:
        if cold:
            forget(path)
        begin = time.perf_counter()
        while opened.readinto(buffer):
            pass
        return time.perf_counter() - begin


def forget(path):
    """Let the system's cache give the file up."""
    with open(path, "rb", buffering=0) as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def copied_bytes_a_second():
    a = np.ones(3 * 10**7)
    b = np.empty_like(a)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        np.copyto(b, a)
        times.append(time.perf_counter() - begin)
    return 2 * a.nbytes / min(times)


def stream(path, name):
    """Printed by the fresh process: seconds of an iteration, cold and warm, and peak resident memory in GB."""
    d = np.load(path, mmap_mode="r").shape[1]
    start = 2.0 * np.random.default_rng(0).normal(size=(16, d)) + 0.5
    setting = KMEANS if name.startswith("k-means") else {"covariance": "diag"}
    found = {
        "cold": seconds_of_passes(path, start, setting, passes=2, between=lambda: forget(path)),
        "warm": seconds_of_passes(path, start, setting, passes=2),
    }
    status = Path("/proc/self/status").read_text().splitlines()
    found["peak"] = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024 / 1e9
    print(json.dumps(found))


# Dask


def threads(options, rounds=3):
    """Dask on threads beside the blocks in the process, in turn."""
    import dask
    import dask.array as da

    (n, d, K), rows = SIZE, []
    x, start = blobs(1, n, d, K)
    chunks = da.from_array(x, chunks=(n // 16, d))
    works = (
        ("full", {}, x),
        ("diag", {"covariance": "diag"}, x),
        ("k-means, each label anew", KMEANS, lambda: iter([x])),
        ("k-means, with bounds kept in the process", KMEANS, x),
    )
    for name, setting, data in works:
        pairs = []
        with dask.config.set(scheduler="threads", num_workers=2):
            for _ in range(rounds):
                pairs.append([seconds_of_passes(points, start, setting) for points in (data, chunks)])
            spent = [seconds_of_passes(points, start, setting, clock=time.process_time) for points in (data, chunks)]
        ratios = [theirs / ours for ours, theirs in pairs]
        ours, theirs = np.median(pairs, axis=0)
        rows.append(
            [
                name,
                f"{ours:.3g} s",
                f"{theirs:.3g} s",
                f"{theirs / ours:.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
                f"{spent[1] / spent[0]:.2f}",
            ]
        )
    return table(
        "**Dask on threads** beside the blocks in the process, n = 10⁶, d = 16, K = 16, 16 chunks, an iteration",
        ["work", "in the process", "Dask", "ratio", "of processor time"],
        rows,
    )


def on_cluster(workers):
    from distributed import Client, LocalCluster

    return Client(LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None))


def dealt(client, x, m):
    """x in m chunks in the workers' memory, dealt to them in turn: how a cluster spreads few chunks is a matter of chance."""
    import dask
    import dask.array as da
    from distributed import wait

    addresses, rows = sorted(client.scheduler_info()["workers"]), len(x) // m
    parts = [
        client.scatter(x[i * rows : (i + 1) * rows], workers=[addresses[i % len(addresses)]], hash=False)
        for i in range(m)
    ]
    chunks = [da.from_delayed(dask.delayed(part), (rows, x.shape[1]), x.dtype) for part in parts]
    held = da.concatenate(chunks).persist()
    wait(held)
    return held


def workers(options):
    """An iteration on one worker process and on two, in turn."""
    (n, d, K), rows = SIZE, []
    x, start = blobs(1, n, d, K)
    found = {}
    for _ in range(2):
        for count in (1, 2):
            with on_cluster(count) as client:
                chunks = dealt(client, x, 16)
                for name, setting in (("full", {}), ("k-means", KMEANS)):
                    found.setdefault((name, count), []).append(seconds_of_passes(chunks, start, setting))
                client.cluster.close()
    for name in ("full", "k-means"):
        one, two = (np.median(found[name, count]) for count in (1, 2))
        rows.append([name, f"{one:.3g} s", f"{two:.3g} s", f"{one / two:.2f}"])
    return table(
        "**Workers**: n = 10⁶, d = 16, K = 16, 16 chunks dealt in turn, an iteration",
        ["work", "one", "two", "faster by"],
        rows,
    )


def dask_ml(options, rounds=3):
    """KMeans of dask-ml from the same start, with the same number of iterations."""
    try:
        from dask_ml.cluster import KMeans as Peer
    except ImportError as error:
        return f"**dask-ml** could not be imported here: {error}."
    import dask
    import dask.array as da

    import mixlib

    (n, d, K), times, ends = SIZE, [], None
    x, start = blobs(1, n, d, K)
    chunks = da.from_array(x, chunks=(n // 16, d))
    with dask.config.set(scheduler="threads", num_workers=2), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(rounds):
            begin = time.perf_counter()
            ours = mixlib.KMeans(K, init=start, tol=0, max_iter=10).fit(chunks)
            middle = time.perf_counter()
            theirs = Peer(K, init=start, tol=0, max_iter=10).fit(chunks)
            times.append((middle - begin, time.perf_counter() - middle))
            ends = ours.inertia_, theirs.inertia_
    ratios = [theirs / ours for ours, theirs in times]
    ours, theirs = np.median(times, axis=0)
    return table(
        "**dask-ml's KMeans**, n = 10⁶, d = 16, K = 16, 16 chunks, the same start, 10 iterations, threads",
        ["mixlib", "dask-ml", "its time over mixlib's", "its sum of squares over mixlib's, less 1"],
        [
            [
                f"{ours:.2f} s",
                f"{theirs:.2f} s",
                f"{theirs / ours:.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
                f"{ends[1] / ends[0] - 1:+.0e}",
            ]
        ],
    )


# What an iteration costs


def model(options):
    """T = n / (r p) + a m + b: r points a second and core, a seconds a chunk, b seconds a pass. Predicted, then measured."""
    import cloudpickle

    from mixlib._engine.sources import as_source

    d, K, rows, lines = 16, 16, [], []
    x, start = blobs(1, 2 * 10**6, d, K)
    cores = 2
    with on_cluster(cores) as client:
        held, small, larger = {}, (2 * 10**5, 2), (6 * 10**5, 2)
        for n, m in (small, larger, (10**6, 8), (10**6, 40), (2 * 10**6, 16)):
            held[n, m] = dealt(client, x[:n], m)
        for name, setting in (("full", {}), ("k-means", KMEANS)):
            sent = size_of_task(as_source(held[small]), start, setting, cloudpickle)
            few, many = (
                min(bare_pass(as_source(held[key]), *sent) for _ in range(10)) for key in ((10**6, 8), (10**6, 40))
            )
            a = (many - few) / 32
            one, other = (seconds_of_passes(held[key], start, setting, 10) for key in (small, larger))
            r = (larger[0] - small[0]) / cores / (other - one)
            b = max(one - small[0] / (r * cores) - small[1] * a, 0.0)
            for n, m in ((10**6, 8), (10**6, 40), (2 * 10**6, 16)):
                predicted = n / (r * cores) + a * m + b
                measured = seconds_of_passes(held[n, m], start, setting, 5)
                rows.append(
                    [name, f"{n:.0e}", m, f"{predicted:.3f} s", f"{measured:.3f} s", f"{predicted / measured - 1:+.0%}"]
                )
            machines, cores_each, chunk = 100, 8, 10**7
            paper = 1e10 / (r * machines * cores_each) + a * 1e10 / chunk + b
            lines.append(
                f"{name}: {r:.2e} points a second on a core, {1e3 * a:.2f} ms a chunk, {1e3 * b:.0f} ms a pass, "
                f"{sent[0] / 1e3:.1f} kB of parameters to each worker and {sent[1] / 1e3:.1f} kB of sums from each chunk. On paper, "
                f"10¹⁰ points on {machines} machines of {cores_each} such cores, in {1e10 / chunk:.0f} chunks: {paper:.1f} s an iteration."
            )
        client.cluster.close()
    return (
        table(
            f"**A model of the cost**, d = {d}, K = {K}, {cores} workers; its numbers from 2·10⁵ and 6·10⁵ points in two chunks and from passes without work",
            ["work", "n", "chunks", "predicted", "measured", "off by"],
            rows,
        )
        + "\n\n"
        + "\n\n".join(lines)
    )


class Nothing:
    """A task without work: as many bytes go to the workers and come from each chunk as in an iteration."""

    def __init__(self, there, back):
        self.there, self.back = np.random.default_rng().bytes(there), back // 8

    def __call__(self, x, start, w):
        return np.zeros(self.back)


def bare_pass(source, there, back):
    begin = time.perf_counter()
    source.total(Nothing(there, back), 1 << 30)
    return time.perf_counter() - begin


def size_of_task(source, start, setting, cloudpickle):
    """Bytes of the task of an iteration, and of a chunk's sums."""
    import mixlib

    seen, whole = [], source.total

    def total(task, rows, w=None):
        sums = whole(task, rows, w)
        seen.append((len(cloudpickle.dumps(task)), len(cloudpickle.dumps(sums))))
        return sums

    source.total = total
    mixlib.fit(source, len(start), init=start, tol=0, max_iter=1, **setting)
    return seen[-1]


# Arrays of other libraries


def arrays(options, rounds=4):
    """The E-step's work on a block with nothing but functions of the array API standard, beside mixlib's."""
    import mixlib
    from mixlib._engine.reductions import add_in_order, slices
    from mixlib._engine.threads import map_blocks, one_blas_thread
    from mixlib.estep import e_step

    libraries = {"NumPy": (np, np.asarray)}
    try:
        import torch

        torch.set_num_threads(1)  # blocks have the cores, as in mixlib
        libraries[f"torch {torch.__version__.split('+')[0]}, on the processor"] = (standard_torch(torch), torch.asarray)
    except ImportError:
        pass
    (n, d, K), rows = SIZE, []
    x, start = blobs(1, n, d, K)
    for name in ("full", "diag", "identity"):
        fit = mixlib.fit(x, K, init=start, covariance=name, tol=0, max_iter=1)
        estep = e_step(fit._data, fit._model)
        estep.statistics(fit._params)
        for library, (xp, bring) in libraries.items():
            z, theta, times = bring(np.ascontiguousarray(fit._data.z)), bring(estep.form.theta), []

            def block(part):
                sums, value = standard_block(xp, z[:, part], theta, name)
                return np.asarray(sums), float(value)

            for _ in range(rounds):
                begin = time.perf_counter()
                found = estep.statistics(fit._params)
                middle = time.perf_counter()
                with one_blas_thread():
                    sums, value = add_in_order(map_blocks(block, slices(n, estep.rows)))
                times.append((middle - begin, time.perf_counter() - middle))
                assert np.allclose(sums[:, : 1 + d], np.column_stack([found.counts, found.first]), rtol=1e-9)
            ours, theirs = np.min(times, axis=0)
            ratios = [theirs / ours for ours, theirs in times]
            rows.append(
                [
                    name,
                    library,
                    f"{ours:.3g} s",
                    f"{theirs:.3g} s",
                    f"{theirs / ours:.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
                ]
            )
    return table(
        "**Arrays**: an E-step written with the functions of the array API standard alone (no `out=`, no `einsum`) beside "
        "mixlib's, n = 10⁶, d = 16, K = 16, blocks of the same size on the same threads",
        ["work", "arrays of", "mixlib", "by the standard", "ratio"],
        rows,
    )


def standard_block(xp, z, theta, name):
    """Sums and objective of a block z (d, b), as `SoftEStep` has them."""
    squares = {"full": lambda: [z[j : j + 1, :] * z[j:, :] for j in range(z.shape[0])], "diag": lambda: [z * z]}
    t = xp.concat([xp.ones((1, z.shape[1]), dtype=z.dtype), z, *squares.get(name, list)()], axis=0)
    a = xp.matmul(theta, t)
    top = xp.max(a, axis=0)
    r = xp.exp(xp.maximum(a - top, xp.full_like(top, -700.0)))
    total = xp.sum(r, axis=0)
    return xp.matmul(r / total, t.T), xp.sum(top + xp.log(total), axis=0)


def standard_torch(torch):
    """The few functions above by the standard's names, which torch gives others."""
    return argparse.Namespace(
        concat=lambda parts, axis: torch.concat(parts, dim=axis),
        max=lambda a, axis: torch.amax(a, dim=axis),
        sum=lambda a, axis: torch.sum(a, dim=axis),
        **{name: getattr(torch, name) for name in ("ones", "matmul", "exp", "log", "maximum", "full_like")},
    )


def table(title, head, rows):
    lines = [title, "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows])


SECTIONS = {
    "seeds": seeds,
    "online": online,
    "file": file,
    "threads": threads,
    "workers": workers,
    "dask-ml": dask_ml,
    "model": model,
    "arrays": arrays,
}


def seconds_of_others():
    """Processor seconds on the machine that neither this process nor its children have used. Linux only."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    own = os.times()
    busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    return busy - own.user - own.system - own.children_user - own.children_system


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=None, help="where the large file goes (deleted afterwards)")
    parser.add_argument("--gigabytes", type=float, default=8.2)
    parser.add_argument(
        "--only", nargs="*", choices=SECTIONS, help="these sections; the others are kept as they were saved"
    )
    parser.add_argument("--stream", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream(*options.stream)
        return
    kept = HERE / "streams.json"
    found = json.loads(kept.read_text()) if kept.exists() else {}
    for name in options.only or SECTIONS:
        begin, before = time.perf_counter(), seconds_of_others()
        text = SECTIONS[name](options)
        share = (seconds_of_others() - before) / (time.perf_counter() - begin) / os.cpu_count()
        found[name] = {"text": text, "others": share}
        print(found[name]["text"], "\n", flush=True)
        kept.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    busy = [f"{name} ({part['others']:.0%})" for name, part in found.items() if part["others"] > 0.1]
    text = [part["text"] for name in SECTIONS if (part := found.get(name))]
    if busy:
        text.append(f"Other work took a share of the processors during: {', '.join(busy)}. Times there are rough.")
    (HERE / "streams.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""mixlib beside its peers: `make bench`, or `python benchmarks/run.py --quick`.

Each case is run by all peers in turn, several rounds, in this process. The report has ratios of
median times to mixlib's with their smallest and largest value over the rounds, how far the
results differ, peak memory above the data (each in a process of its own), and the share of
the machine's own speed that mixlib reaches. benchmarks/results.json keeps the numbers;
`python benchmarks/report.py` writes the book's table and figure from them.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path

import calls
import numpy as np
import typed
from cases import Case, all_cases, data
from machine import least_seconds, limits
from peers import peers_of
from tqdm import tqdm

HERE = Path(__file__).parent
SLOW = 10.0  # seconds after which a peer is measured once only, and its memory is not
MOST_AN_ITERATION = 3.0  # seconds an iteration, foreseen, above which a peer other than scikit-learn is left out
PACKAGES = ["numpy", "scikit-learn", "faiss-cpu", "opencv-python-headless", "pomegranate", "torch", "mlpack"]


def measure(case, rounds):
    """Times and results of one case: a row for each peer."""
    x, start = data(case)
    found, missing = peers_of(case.work)
    times, results, spent = {name: [] for name in found}, {}, dict.fromkeys(found, 0.0)
    for name in list(found):
        foreseen = warm_up(found[name], case, x, start)
        if foreseen > MOST_AN_ITERATION and not name.startswith(("mixlib", "scikit-learn")):
            missing[name] = f"left out: about {foreseen:.0f} s an iteration"
            found.pop(name)
    for turn in range(rounds):
        for name in list(found):
            if turn and spent[name] > SLOW:
                continue
            try:
                begin = time.perf_counter()
                seconds, results[name] = timed(case, found[name], x, start)
                if not np.isfinite(results[name]).all():
                    raise ValueError("its result is not finite")
                spent[name] = time.perf_counter() - begin
                times[name].append(seconds)
            except Exception as error:
                missing[name] = f"failed: {type(error).__name__}: {str(error)[:80]}"
                found.pop(name)
    rows = []
    for name in found:
        ratios = [theirs / ours for theirs, ours in zip(times[name], times["mixlib"])]
        rows.append(
            {
                "case": case,
                "peer": name,
                "seconds": float(np.median(times[name])),
                "ratio": float(np.median(times[name]) / np.median(times["mixlib"])),
                "least": min(ratios),
                "most": max(ratios),
                "rounds": len(ratios),
                "difference": difference(case, x, results["mixlib"], results[name]),
                "memory": None if spent[name] > SLOW else peak_memory(case, name),
            }
        )
    return rows + [{"case": case, "peer": name, "missing": why} for name, why in missing.items()]


def warm_up(peer, case, x, start):
    """Imports, pools and buffers do not count: runs on few points come first. Foreseen seconds of an iteration."""
    sample = np.random.default_rng(0).permutation(len(x))[:20000]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few points may leave a cluster empty
            peer(x[sample].copy(), start, 1)
            return clock(lambda: peer(x[sample].copy(), start, 1))[0] * len(x) / len(sample)
    except Exception:  # the measured run will say what is wrong
        return 0.0


def timed(case, peer, x, start):
    """Seconds (of the whole, or of an iteration) and the result."""
    if case.work in ("k-means", "seeding"):
        return clock(lambda: peer(x, start, None))
    more = 11 if case.n * case.d * case.K < 2 * 10**7 else 4
    one, _ = least(lambda: peer(x, start, 1))
    all_of_them, result = least(lambda: peer(x, start, more))
    return (all_of_them - one) / (more - 1), result


def least(task):
    """The least seconds of up to five runs that fit into a second: a difference of two times wants little noise in each."""
    seconds, result = clock(task)
    for _ in range(min(4, int(1 / seconds))):
        seconds = min(seconds, clock(task)[0])
    return seconds, result


def clock(task):
    begin = time.perf_counter()
    result = task()
    return time.perf_counter() - begin, result


def difference(case, x, ours, theirs):
    """k-means: how much larger the peer's objective is, relatively. EM: log-likelihood a point, theirs less ours."""
    if case.work == "seeding":
        return None  # other random numbers: other seeds of the same law
    if case.work.startswith("k-means"):
        return float(objective(x, theirs) / objective(x, ours) - 1)
    return float(theirs - ours)


def objective(x, centres):
    """Sum of squared distances to the nearest centre, in double precision."""
    centres, total = centres.astype(np.float64), 0.0
    for first in range(0, len(x), 8192):
        part = x[first : first + 8192].astype(np.float64)
        squares = (part**2).sum(axis=1)[:, None] - 2 * part @ centres.T + (centres**2).sum(axis=1)
        total += np.maximum(squares.min(axis=1), 0).sum()
    return total


def peak_memory(case, name):
    """Peak memory of the work in a fresh process, over the data's own size; None where it cannot be told."""
    command = [sys.executable, __file__, "--memory", json.dumps([case, name])]
    done = subprocess.run(command, capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def memory_of(case, name):
    """Printed by the fresh process: (peak during the work - before) / size of the data. Linux only."""
    x, start = data(case)
    peer, iterations = peers_of(case.work)[0][name], None if case.work in ("k-means", "seeding") else 1
    warm_up(peer, case, x, start)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # memory that was freed goes back to the system
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew from here
    peer(x, start, iterations)
    print((resident("VmHWM") - before) * 1024 / x.nbytes)


def resident(which):
    """Kilobytes of resident memory, now (VmRSS) or at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1])


def described(row):
    """A row as a line of text."""
    case = f"{row['case']!s:62} {row['peer']:20}"
    if "missing" in row:
        return f"{case} missing ({row['missing'][:60]})"
    memory = "" if row["memory"] is None else f"  memory {row['memory']:.1f} x data"
    different = "" if row["difference"] is None else f"  difference {row['difference']:+.0e}"
    share = f"  {row['share']:.0%} of the machine" if "share" in row else ""
    return (
        f"{case} {row['seconds']:9.4f} s {row['ratio']:7.2f} x ({row['least']:.2f} to {row['most']:.2f})"
        f"{different}{memory}{share}"
    )


def machine():
    """What the numbers belong to."""
    names = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in names if line.startswith("model name")), platform.processor())
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return {"cores": os.cpu_count(), "processor": model, "python": platform.python_version(), "versions": versions}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the smallest sizes, one round")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--resume", action="store_true", help="leave out the cases that results.json has already")
    parser.add_argument(
        "--typed",
        action="store_true",
        help="only the section as typed: all defaults, time and quality; and single calls",
    )
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        case, name = json.loads(options.memory)
        memory_of(Case(*case), name)
        return
    if options.typed:
        typed.main()
        calls.main()
        return
    cases = [c for c in all_cases() if options.only in str(c) and (not options.quick or c.n * c.K <= 10**6)]
    limit, rows, kept = limits(), [], HERE / "results.json"
    if options.resume and kept.exists():
        rows = [{**row, "case": Case(**row["case"])} for row in json.loads(kept.read_text())["rows"]]
        cases = [case for case in cases if case not in {row["case"] for row in rows}]
    for case in tqdm(cases, desc="cases", unit="case"):
        found = measure(case, 1 if options.quick else options.rounds)
        ours = next(row for row in found if row["peer"] == "mixlib")
        if case.work not in ("k-means", "seeding"):
            ours["share"] = least_seconds(case, limit) / ours["seconds"]
        rows = sorted(rows + found, key=lambda row: all_cases().index(row["case"]))
        tqdm.write("\n".join(described(row) for row in found))
        saved = [{**row, "case": case._asdict()} for row in rows for case in [row["case"]]]
        kept.write_text(json.dumps({"machine": machine(), "limits": limit, "rows": saved}, indent=1))
    print("\nThis machine: " + ", ".join(f"{name} {value:.3g}" for name, value in limit.items()))
    print("\n".join(described(row) for row in rows))
    if not options.quick:
        print("\nAs typed")
        typed.main()
        calls.main()


if __name__ == "__main__":
    main()

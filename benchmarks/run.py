"""mixlib beside its peers: `make bench`, or `python benchmarks/run.py --quick`.

Each case is run by all peers in turn, several rounds, in this process; the table reports ratios
of median times to mixlib's with their smallest and largest value over the rounds, how far the
results are apart, the peak memory above the data (each in a process of its own), and the share
of the machine's own speed that mixlib reaches.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from cases import Case, all_cases, data
from machine import least_seconds, limits
from peers import em_peers, kmeans_peers

HERE = Path(__file__).parent
FEW, MORE = 1, 4                      # EM: an iteration costs the difference over MORE - FEW


def measure(case, rounds):
    """Times and results of one case: a list of rows, one a peer."""
    x, start = data(case)
    found, missing = kmeans_peers() if case.work == "k-means" else em_peers(case.work)
    times, results = {name: [] for name in found}, {}
    for _ in range(rounds):
        for name in list(found):
            try:
                seconds, results[name] = timed(case, found[name], x, start)
                times[name].append(seconds)
            except Exception as error:
                missing[name] = f"failed: {type(error).__name__}: {str(error)[:80]}"
                found.pop(name)
    rows = []
    for name in found:
        ratios = np.array(times[name]) / np.array(times["mixlib"])
        rows.append({"case": str(case), "peer": name, "seconds": float(np.median(times[name])),
                     "ratio": float(np.median(times[name]) / np.median(times["mixlib"])),
                     "least": float(ratios.min()), "most": float(ratios.max()),
                     "difference": difference(case, x, results["mixlib"], results[name]),
                     "memory": peak_memory(case, name)})
    return rows + [{"case": str(case), "peer": name, "missing": why} for name, why in missing.items()]


def timed(case, peer, x, start):
    """Seconds (to convergence, or an iteration) and the result."""
    if case.work == "k-means":
        return clock(lambda: peer(x, start))
    few, _ = clock(lambda: peer(x, start, FEW))
    more, result = clock(lambda: peer(x, start, MORE))
    return (more - few) / (MORE - FEW), result


def clock(task):
    begin = time.perf_counter()
    result = task()
    return time.perf_counter() - begin, result


def difference(case, x, ours, theirs):
    """k-means: how much larger the peer's objective is, relatively. EM: log-likelihood a point, theirs less ours."""
    if case.work != "k-means":
        return float(theirs - ours)
    return float(objective(x, theirs) / objective(x, ours) - 1)


def objective(x, centres):
    total = 0.0
    for first in range(0, len(x), 8192):
        part = x[first:first + 8192].astype(np.float64)
        square = (part**2).sum(axis=1)[:, None] - 2 * part @ centres.T.astype(np.float64) + (centres.astype(np.float64)**2).sum(axis=1)
        total += np.maximum(square.min(axis=1), 0).sum()
    return total


def peak_memory(case, name):
    """Peak resident memory of the work in a fresh process, over the data's own size."""
    command = [sys.executable, __file__, "--memory", json.dumps([case, name])]
    done = subprocess.run(command, capture_output=True, text=True)
    return float(done.stdout) if done.returncode == 0 else None


def memory_of(case, name):
    """Printed by the fresh process: (peak during the work - before) / size of the data. Linux only."""
    x, start = data(case)
    peer = (kmeans_peers() if case.work == "k-means" else em_peers(case.work))[0][name]
    arguments = () if case.work == "k-means" else (1,)
    few = np.random.default_rng(0).permutation(len(x))[:max(4000, 8 * case.K)]
    peer(x[few].copy(), start, *arguments)               # imports, pools and buffers do not count
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")        # the peak is counted anew from here
    peer(x, start, *arguments)
    print((resident("VmHWM") - before) * 1024 / x.nbytes)


def resident(which):
    """Kilobytes of resident memory, now (VmRSS) or at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1])


def table(rows):
    """The rows as text, mixlib's time first, ratios after it."""
    lines = []
    for row in rows:
        if "missing" in row:
            lines.append(f"{row['case']:58}  {row['peer']:20} missing ({row['missing'][:60]})")
        else:
            memory = "" if row["memory"] is None else f"{row['memory']:5.1f} x data"
            lines.append(f"{row['case']:58}  {row['peer']:20} {row['seconds']:9.4f} s  {row['ratio']:6.2f} x  "
                         f"({row['least']:.2f} to {row['most']:.2f})  diff {row['difference']:+.1e}  {memory}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the smallest sizes, one round")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        case, name = json.loads(options.memory)
        return memory_of(Case(*case), name)
    cases = [c for c in all_cases() if options.only in str(c) and (not options.quick or c.n * c.K <= 10**6)]
    limit, rows = limits(), []
    for case in tqdm(cases, desc="cases"):
        found = measure(case, 1 if options.quick else options.rounds)
        ours = next(row for row in found if row["peer"] == "mixlib")
        ours["share"] = least_seconds(case, limit) / ours["seconds"]
        rows += found
        tqdm.write(table(found))
        (HERE / "results.json").write_text(json.dumps({"machine": limit, "rows": rows}, indent=1))
    print("\nThis machine: " + ", ".join(f"{name} {value:.3g}" for name, value in limit.items()))
    print(table(rows))


if __name__ == "__main__":
    main()

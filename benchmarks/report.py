"""Tables and a figure of the last `make bench`, for the book: benchmarks/table.md and speed.svg."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

from mixlib import plot

HERE = Path(__file__).parent
TITLES = {
    "k-means": "k-means to convergence",
    "k-means iteration": "k-means, an iteration",
    "seeding": "k-means++ seeds, one candidate each",
    "full": "EM, an iteration: full",
    "tied": "EM, an iteration: tied",
    "diag": "EM, an iteration: diag",
    "spherical": "EM, an iteration: spherical",
}
PEERS = ["scikit-learn", "scikit-learn lloyd", "scikit-learn elkan", "faiss", "OpenCV", "mlpack", "pomegranate"]


def size(case):
    """n, d, K of a case, as it is read."""
    power = f"{case['n']:.0e}"
    front = "" if power[0] == "1" else f"{power[0]}·"
    return f"{front}10{'⁰¹²³⁴⁵⁶⁷⁸⁹'[int(power[-1])]}, {case['d']}, {case['K']}"


def cell(row):
    """A peer's ratio, with its smallest and largest value where there were several rounds."""
    if row is None or "missing" in row:
        return "–"
    ratio = f"{row['ratio']:.3g}"
    return ratio if row["rounds"] == 1 else f"{ratio} ({row['least']:.3g}–{row['most']:.3g})"


def grouped(rows):
    """(work, dtype) -> case -> peer -> row, in the order of the run."""
    groups = {}
    for row in rows:
        case = row["case"]
        cases = groups.setdefault((case["work"], case["dtype"]), {})
        cases.setdefault((size(case), case["blobs"]), {})[row["peer"]] = row
    return groups


def table(work, dtype, cases):
    """A Markdown table: mixlib's seconds, its share of the machine, and each peer's time over mixlib's."""
    peers = [peer for peer in PEERS if any(peer in found for found in cases.values())]
    shared = any("share" in found["mixlib"] for found in cases.values())
    kinds = len({blobs for _, blobs in cases}) > 1
    head = ["n, d, K", *["blobs"] * kinds, "mixlib [s]", *["of the machine"] * shared, "memory", *peers]
    lines = [f"**{TITLES[work]}**, {dtype}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (where, blobs), found in cases.items():
        ours = found["mixlib"]
        memory = "–" if ours["memory"] is None else f"{ours['memory']:.1f}"
        line = [where, *[blobs] * kinds, f"{ours['seconds']:.3g}", *[f"{ours.get('share', 0):.0%}"] * shared, memory]
        lines.append("| " + " | ".join(line + [cell(found.get(peer)) for peer in peers]) + " |")
    return "\n".join([*lines, *differences_line(work, peers, cases)])


def differences_line(work, peers, cases):
    """A line on how far the peers' results are from mixlib's, at most over the rows."""
    most = {}
    for peer in peers:
        rows = [found[peer] for found in cases.values() if peer in found and "missing" not in found[peer]]
        differences = [row["difference"] for row in rows if row["difference"] is not None]
        if differences:
            most[peer] = f"{peer} {max(differences, key=abs):+.0e}"
    what = "objective, relatively" if work.startswith("k-means") else "log-likelihood a point"
    return ["", f"Their {what}, less mixlib's, where it differs most: {', '.join(most.values())}."] if most else []


def figure(groups):
    """The time of scikit-learn's better algorithm over mixlib's, a dot for each float64 case; drawn for a phone too."""
    plot.use_style()
    fig, ax = plt.subplots(figsize=(5.2, 5.0))
    names = [work for work in TITLES if (work, "float64") in groups]
    ticks = [0.5, 1, 2, 5, 10, 20, 50, 100]
    for place, work in enumerate(reversed(names)):
        for (_, blobs), found in groups[work, "float64"].items():
            peers = [found[p]["ratio"] for p in PEERS[:3] if p in found and "missing" not in found[p]]
            mark = 1 if blobs == "separated" else 0
            ax.plot(
                min(peers),
                place,
                plot.markers[mark],
                color=plot.colors[mark],
                markersize=8,
                alpha=0.8,
                label=f"{blobs} blobs",
            )
        ax.vlines(ticks, place - 0.25, place + 0.25, color=plot.ink, linewidth=1, alpha=0.25)
        ax.vlines(1, place - 0.25, place + 0.25, color=plot.ink, linewidth=1.5)
        ax.text(0, place + 0.33, TITLES[work], transform=ax.get_yaxis_transform(), fontsize=13)
    ax.set_xscale("log")
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set(yticks=[], ylim=(-0.5, len(names) - 0.2), xlabel="time of scikit-learn / time of mixlib")
    ax.spines["left"].set_visible(False)
    handles = dict(zip(*reversed(ax.get_legend_handles_labels())))
    fig.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=2)
    fig.savefig(HERE / "speed.svg", metadata={"Date": None})


def main():
    results = json.loads((HERE / "results.json").read_text())
    groups, machine, limits = grouped(results["rows"]), results["machine"], results["limits"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    text = [
        f"Measured on {machine['cores']} cores ({machine['processor']}), Python {machine['python']}, {versions}. "
        f"The machine multiplies matrices at {limits['matrix product [FLOP/s]'] / 1e9:.0f} GFLOP/s, copies "
        f"{limits['copy [bytes/s]'] / 1e9:.0f} GB/s and takes {limits['exp, one core [1/s]'] / 1e9:.1f} "
        "billion exponentials a second on a core, all in double precision."
    ]
    text += [table(*key, cases) for key, cases in groups.items()]
    missing = {
        f"{row['peer']} ({row['missing']})"
        for row in results["rows"]
        if "missing" in row and not row["missing"].startswith("left out")
    }  # a dash says that
    if missing:
        text.append("Missing: " + "; ".join(sorted(missing)) + ".")
    (HERE / "table.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")
    figure(groups)


if __name__ == "__main__":
    main()

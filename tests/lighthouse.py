"""Lighthouse on every page, as a table: `make lighthouse`. Needs npm and Chromium (or CHROME_PATH).

The site is served compressed, as hosts of static pages do. "first" is what a first visit transfers,
"later" what the page needs beyond the files that the front page already brought.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from served import FLAGS, HTML, browser_path, serve

TOOLS = Path(__file__).resolve().parents[1] / ".lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def lighthouse(url, preset):
    """The report of one page."""
    command = [
        TOOLS / "node_modules" / ".bin" / "lighthouse",
        url,
        "--quiet",
        "--output=json",
        "--output-path=stdout",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-flags={' '.join(['--headless', *FLAGS])}",
        *(["--preset=desktop"] if preset == "desktop" else []),
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(names, preset="mobile"):
    if not (TOOLS / "node_modules" / "lighthouse").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", TOOLS, "lighthouse@13"], check=True)
    os.environ["CHROME_PATH"] = browser_path() or sys.exit("no Chromium found: name it in CHROME_PATH")
    names = names or sorted(
        (path.relative_to(HTML).with_suffix("").as_posix() for path in HTML.glob("book/*.html")),
        key=lambda name: (name != "book/index", name),
    )
    server, address = serve()
    print("| page | " + " | ".join(CATEGORIES) + " | LCP s | blocked ms | shift | nodes | first kB | later kB |")
    print("|---" * 11 + "|")
    worst, known = 100, set()
    for name in names:
        audits = (report := lighthouse(f"{address}/{name}.html", preset))["audits"]
        scores = [round(100 * report["categories"][category]["score"]) for category in CATEGORIES]
        loads = [(item["url"], item["transferSize"]) for item in audits["network-requests"]["details"]["items"]]
        first = sum(size for _, size in loads)
        later = sum(size for url, size in loads if url not in known)
        known = known or {url for url, _ in loads}
        nodes = audits.get("dom-size-insight", audits.get("dom-size"))["details"]["items"][0]["value"]["value"]
        print(
            f"| {name.removeprefix('book/')} | "
            + " | ".join(map(str, scores))
            + f" | {audits['largest-contentful-paint']['numericValue'] / 1000:.1f}"
            + f" | {audits['total-blocking-time']['numericValue']:.0f} | {audits['cumulative-layout-shift']['numericValue']:.3f}"
            + f" | {nodes} | {first / 1000:.0f} | {later / 1000:.0f} |",
            flush=True,
        )
        for category in report["categories"].values():
            for one in category["auditRefs"]:
                audit = audits[one["id"]]
                if (
                    one["weight"]
                    and audit["score"] is not None
                    and audit["score"] < (0.5 if category["id"] == "performance" else 1)
                ):
                    nodes = [
                        item.get("node", {}).get("snippet", "") for item in audit.get("details", {}).get("items", [])
                    ]
                    print(f"    {audit['title']}: {'; '.join(filter(None, nodes[:4]))[:600]}", file=sys.stderr)
        worst = min(worst, scores[0], *(score - 5 for score in scores[1:]))
    server.shutdown()
    return worst < 95


if __name__ == "__main__":
    chosen = [name for name in sys.argv[1:] if name != "desktop"]
    sys.exit(main(chosen, "desktop" if "desktop" in sys.argv[1:] else "mobile"))

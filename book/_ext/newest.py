"""Which chapters broke, in Markdown, from what pytest printed: `python newest.py pytest.log`."""

import re
import sys
from collections import Counter
from pathlib import Path


def report(log):
    """One line for each notebook or test file with failures, and the totals."""
    failed = Counter(re.findall(r"^(?:FAILED|ERROR) (\S+?\.(?:ipynb|py))(?=::| |$)", log, re.MULTILINE))
    chapters = {name: count for name, count in failed.items() if name.endswith(".ipynb")}
    lines = [f"- **{name}**: {count} cells differ or fail" for name, count in chapters.items()]
    lines += [f"- {name}: {count} tests fail" for name, count in failed.items() if name not in chapters]
    totals = re.findall(r"^=+ (.*(?:passed|failed|error).*) =+$", log, re.MULTILINE)
    if not totals:
        return "The tests did not come to an end:\n\n```\n" + log[-2000:] + "\n```\n"
    return "\n".join([f"With the newest versions of everything: {totals[-1]}.", "", *lines]) + "\n"


if __name__ == "__main__":
    print(report(Path(sys.argv[1]).read_text(encoding="utf-8")), end="")

"""Execute notebooks and store them: sources, text outputs and counts, no images.

The only program that writes stored notebooks: `make resave`, or
`python book/_ext/resave.py book/em.ipynb` for one.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

BOOK = Path(__file__).resolve().parents[1]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def resave(path):
    """Run one notebook top to bottom in its own folder and write it back."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number:03d}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [stored(output) for output in cell.outputs]
    kept = {key: value for key, value in notebook.metadata.items() if key == "myst"}
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, **kept}
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook, indent=1) + "\n", encoding="utf-8")
    return path


def stored(output):
    """The output without images and without what differs from machine to machine."""
    if "data" in output:
        output.data = {kind: value for kind, value in output.data.items() if not kind.startswith("image/")}
        check = output.metadata.get("check")
        output.metadata = {"check": {key: check[key] for key in ("result", "kind")}} if check else {}
    return output


def main(names):
    os.environ.pop("MPLBACKEND", None)  # "agg" there would drop every figure
    paths = [Path(name).resolve() for name in names] or sorted(BOOK.glob("*.ipynb"))
    with ThreadPoolExecutor(2) as pool:
        for path in pool.map(resave, paths):
            print(f"saved {path}")


if __name__ == "__main__":
    main(sys.argv[1:])

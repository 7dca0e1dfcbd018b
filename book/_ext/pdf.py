"""`make pdf`: the book as one PDF, from the LaTeX that Sphinx wrote, and a check of all of it.

Nothing is left open: no undefined reference, no missing letter, no link into nowhere, no line that
sticks out of the page, no picture in pixels; equations have the numbers of the site. What is wrong
is printed, and there is no PDF then.
"""

import re
import shutil
import subprocess
import sys

from booksite import STAMP
from launch import PDF
from results import ROOT, equation_numbers, pages, texts

LATEX = ROOT / "_build" / "pdf" / "_build" / "latex"
TARGET = ROOT / "_build" / "pdf"
NEEDED = {
    "latexmk": "latexmk",
    "xelatex": "texlive-xetex",
    "pdftotext": "poppler-utils",
    "rsvg-convert": "librsvg2-bin",
}
SCREEN = ("JavaScript.", "Start reading", "Click to", "Escape leaves")  # what would speak of a page on paper
WIDEST = 10  # points by which a line may stick out: 3.5 mm in a margin of 24 mm


def complaints_of_log(log):
    """What LaTeX reports in book.log, whose lines it breaks at 79 characters."""
    log = log.replace("\n", "\0")
    log = re.sub(r"([^\0]{79})\0", r"\1", log).replace("\0", "\n")
    wrong = re.findall(r"^.*(?:undefined|multiply.defined|Missing character|^!).*$", log, re.MULTILINE)
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)]
    return wrong + [f"a line is {points} pt too wide" for points in wide if points > WIDEST]


def complaints_of_run(said):
    """Links of the PDF into nowhere, of which only the last program in the chain knows."""
    return re.findall(
        r"^.*destination.*not defined.*$|^.*has been referenced but does not exist.*$", said, re.MULTILINE
    )


def complaints_of_text(text, titles):
    """What is missing on the paper, or open."""
    words = " ".join(text.split())
    wrong = [
        f"'??' in: {words[max(0, found.start() - 60) : found.end() + 20]}" for found in re.finditer(r"\?\?", words)
    ]
    wrong += [f"'{word}' on paper" for word in SCREEN if word in words]
    return wrong + [f"there is no '{title}'" for title in titles if title not in words]


def complaints_of_numbers(aux, numbers):
    """Equations that have another number than on the site."""
    labels = dict(re.findall(r"\\newlabel\{equation:[^:}]*:([^}]*)\}\{\{\{?([^}]*)\}", aux))
    return [
        f"{label} is ({labels.get(label, 'not there')}), on the site ({number})"
        for label, number in numbers.items()
        if labels.get(label) != number
    ]


def complaints_of_pictures(tex):
    """Pictures that are not drawings."""
    pictures = re.findall(r"\\sphinxincludegraphics(?:\[[^\]]*\])?\{+([^{}]*)\}*(\.\w+)", tex)
    return [f"{name}{kind} is no drawing" for name, kind in pictures if kind != ".pdf"] + ["there are no pictures"] * (
        not pictures
    )


def run(*command):
    done = subprocess.run(command, cwd=LATEX, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout + done.stderr


def titles():
    """Of each page as far as it is words."""
    found = [re.search(r"^# (.*)$", "\n".join(texts(path)), re.MULTILINE)[1] for _, path in pages()]
    return [re.split(r"[$`]", title)[0].strip() for title in found[1:]]


def main():
    missing = [package for program, package in NEEDED.items() if not shutil.which(program)]
    if missing:
        return f"missing on this machine (the README says what to install): {', '.join(missing)}"
    for path in (TARGET / STAMP, TARGET / PDF):
        path.unlink(missing_ok=True)
    code, said = run("latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-g", "book.tex")
    if code:
        return said[-3000:]
    wrong = complaints_of_log((LATEX / "book.log").read_text(encoding="utf-8", errors="replace"))
    wrong += complaints_of_run(said)
    wrong += complaints_of_text(run("pdftotext", "-layout", PDF, "-")[1], titles())
    wrong += complaints_of_numbers((LATEX / "book.aux").read_text(encoding="utf-8"), equation_numbers())
    wrong += complaints_of_pictures((LATEX / "book.tex").read_text(encoding="utf-8"))
    if wrong:
        return "\n".join(["The PDF is not in order:", *dict.fromkeys(wrong)])
    shutil.copy(LATEX / PDF, TARGET / PDF)
    shutil.copy(LATEX / STAMP, TARGET / STAMP)
    print(f"The book as a PDF: {TARGET / PDF}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

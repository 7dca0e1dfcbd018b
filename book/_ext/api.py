"""Sphinx extension: docstrings of mixlib on the API page name chapters by links, have letters and powers typeset,
and hide private constructors."""

import inspect
import re

from results import ROOT, pages
from sphinx.util.inspect import stringify_signature

MADE_BY_MIXLIB = {"mixlib.Fit", "mixlib.Record", "mixlib.Selection"}  # nobody else calls their constructors
CHAPTERS = re.compile(r"\b([Cc]hapters?) (\d)(?: (and|to) (\d))?")

FORMULA = re.compile(
    r"(?<![\w`])(?:(Sigma|sigma|pi|mu|kappa|nu|Lambda)(_[kP])?|(\w|\(w / W\))(?=\^[-(\d]))"
    r"(?:\^(\(2/d\)|-?[\d.]*\d))?(?![\w`])"
)


def addresses():
    """{chapter number: document}; chapter 0 is the front page."""
    numbered = {number: path for number, path in pages() if number is not None}
    numbered[0] = pages()[0][1]
    return {number: f"/{path.relative_to(ROOT).with_suffix('').as_posix()}" for number, path in numbered.items()}


def link_chapters(text, documents):
    """ "Chapter 4" and "chapters 1 and 2" as links to the pages."""

    def linked(match):
        word, first, joint, second = match.groups()
        out = f":doc:`{word} {first} <{documents[int(first)]}>`"
        return f"{out} {joint} :doc:`{second} <{documents[int(second)]}>`" if second else out

    return CHAPTERS.sub(linked, text)


def typeset(line):
    """ "mu_k" and "K^(2/d)" as formulas, ">=" as one sign; code and examples stay as they are."""
    if line.lstrip().startswith((">>>", "...")):
        return line

    def formula(match):
        letter, index, base, power = match.groups()
        raised = power.strip("()") if power else ""
        tex = (f"\\{letter}{index or ''}" if letter else base.replace(" ", "")) + (f"^{{{raised}}}" if raised else "")
        return f":math:`{tex}`"

    parts = re.split(r"(``.*?``)", line)  # every second one is code
    parts[::2] = [FORMULA.sub(formula, part).replace(" >= ", " ≥ ") for part in parts[::2]]
    return "".join(parts)


def in_docstring(app, what, name, thing, options, lines):
    documents = addresses()
    lines[:] = [typeset(link_chapters(line, documents)) for line in lines]


def in_signature(app, what, name, thing, options, signature, returned):
    if name in MADE_BY_MIXLIB:
        return "", None
    if signature == "(*args, **kwargs)":  # of __new__, which takes what __init__ takes
        return stringify_signature(inspect.signature(thing), show_annotation=False, show_return_annotation=False), None
    return None


def setup(app):
    app.connect("autodoc-process-docstring", in_docstring)
    app.connect("autodoc-process-signature", in_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

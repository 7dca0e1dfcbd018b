"""Sphinx extension: what appendices number has a letter before it: Fig. A.1, Proposition A.2, (A.1).

The chapters have numbers, and the front page has its own figures 1 and 2; without a letter those of
the appendices would go on from there, as Fig. 3.
"""

from string import ascii_uppercase

from ledger import reading_order


def letters(numbers, pages):
    """The numbers of these pages, each page with the next letter and from 1 on."""
    found = {}
    for letter, page in zip(ascii_uppercase, [page for page in pages if any(numbers.get(page, {}).values())]):
        found[page] = {}
        for kind, known in numbers[page].items():
            before = min((number[-1] for number in known.values()), default=1) - 1
            found[page][kind] = {name: (letter, number[-1] - before) for name, number in known.items()}
    return found


def set_letters(app, env):
    pages = [name for name in reading_order(env) if not env.toc_secnumbers.get(name, {}).get("")]
    env.toc_fignumbers.update(letters(env.toc_fignumbers, [name for name in pages if name != app.config.root_doc]))
    return []


def setup(app):
    app.connect("env-get-updated", set_letters, priority=900)  # after Sphinx has numbered all
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

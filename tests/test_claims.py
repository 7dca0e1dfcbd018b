"""The audit of the essay: every claim has one verdict and the results that decide it, and chapter 5 agrees."""

import re

import nbformat
from results import ROOT, markdown

PAGE = ROOT / "book" / "claims.md"
VERDICTS = ("True", "True with a condition", "False")
REFERENCE = re.compile(r"\{(?:prf:ref|eq|ref)\}`([a-z0-9-]+)`")


def claims():
    """Pairs of a claim and the paragraph that judges it."""
    blocks = PAGE.read_text(encoding="utf-8").split("\n\n")
    return [(block, blocks[i + 1]) for i, block in enumerate(blocks) if block.startswith("> ")]


def verdict(paragraph):
    return re.match(r"\*\*([^*]+)\.\*\*", paragraph)[1]


def quotations(text):
    return [re.sub(r"\s+", " ", words).strip(". ").lower() for words in re.findall(r'"([^"]+)"', text)]


def table_of_chapter_5():
    """The rows of its last section's table: (the essay's words, the verdict, the labels that it cites)."""
    texts = markdown(nbformat.read(ROOT / "book" / "reduction.ipynb", as_version=4))
    section = next(text for text in texts if "(sec-reduction-audit)=" in text)
    rows = re.findall(r"^\|([^|]+)\|(.+)\|([^|]+)\|$", section, re.MULTILINE)[2:]  # below the head
    return [(words, judged.strip(), REFERENCE.findall(where)) for words, judged, where in rows]


def test_every_claim_has_a_verdict_and_a_deciding_result():
    assert claims()
    for claim, paragraph in claims():
        assert quotations(claim), claim
        assert verdict(paragraph) in VERDICTS, claim
        assert re.search(r"\{(prf:ref|eq)\}`(thm|prp|lem|cor|eq)-[a-z0-9-]+`", paragraph), claim


def test_no_claim_is_judged_twice():
    found = [claim for claim, _ in claims()]
    assert len(set(found)) == len(found)


def test_the_counts_are_those_of_the_page():
    counts = [sum(verdict(paragraph) == kind for _, paragraph in claims()) for kind in VERDICTS]
    said = re.search(
        r"Of (\d+) claims, (\d+) are true, (\d+) are true with a condition, and (\d+) are false",
        PAGE.read_text(encoding="utf-8"),
    )
    assert [int(number) for number in said.groups()] == [sum(counts), *counts]


def test_chapter_5_agrees():
    """Each row quotes an audited claim, is false where the claim is, and cites a result that the claim cites."""
    rows, judged = table_of_chapter_5(), claims()
    assert len(rows) >= 6
    for words, row, labels in rows:
        quoted = quotations(words)
        found = [
            paragraph
            for claim, paragraph in judged
            if (any(quoted[0] in words for words in quotations(claim)) if quoted else "version of" in claim)
        ]
        assert len(found) == 1, words
        assert row.lower().startswith("false") == (verdict(found[0]) == "False"), words
        assert set(labels) & set(REFERENCE.findall(found[0])), words

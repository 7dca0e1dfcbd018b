"""The audit of the essay: every quoted claim has one verdict and the results that decide it."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "book" / "claims.md"
VERDICTS = ("True", "True with a condition", "False")


def claims():
    """Pairs of a quotation and the paragraph that judges it."""
    blocks = PAGE.read_text(encoding="utf-8").split("\n\n")
    return [(block, blocks[i + 1]) for i, block in enumerate(blocks) if block.startswith("> ")]


def verdict(paragraph):
    return re.match(r"\*\*([^*]+)\.\*\*", paragraph)[1]


def test_every_claim_has_a_verdict_and_a_deciding_result():
    assert claims()
    for quotation, paragraph in claims():
        assert '"' in quotation, quotation
        assert verdict(paragraph) in VERDICTS, quotation
        assert re.search(r"\{(prf:ref|eq)\}`(thm|prp|lem|cor|eq)-[a-z0-9-]+`", paragraph), quotation


def test_the_counts_are_those_of_the_page():
    counts = [sum(verdict(paragraph) == kind for _, paragraph in claims()) for kind in VERDICTS]
    said = re.search(r"Of (\d+) claims, (\d+) are true, (\d+) are true with a condition, and (\d+) are false",
                     PAGE.read_text(encoding="utf-8"))
    assert [int(number) for number in said.groups()] == [sum(counts), *counts]

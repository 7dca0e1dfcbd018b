"""The audit of the essay: every claim has one verdict and the results that decide it, and chapter 5 agrees."""

import re

import nbformat
from results import ROOT, checks, markdown, notebooks, results

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


def kinds_of_checks():
    """{label of a result of the book: the kinds of its checks}."""
    found = {}
    for path in notebooks():
        notebook = nbformat.read(path, as_version=4)
        found |= {result.label: set() for result in results(markdown(notebook)) if result.label}
        for entry in checks(notebook):
            found[entry.result].add(entry.kind)
    return found


def paragraphs():
    """Every claim with all the paragraphs that judge it."""
    parts = re.split(r"\n\n(?=> )", re.sub(r"\n\n## [^\n]+", "", PAGE.read_text(encoding="utf-8")))[1:]
    return [tuple(part.split("\n\n", 1)) for part in parts]


def test_the_evidence_is_a_check():
    """Every result cited has checks; those that are only stated are named, and no verdict rests on them alone."""
    kinds, introduction = kinds_of_checks(), PAGE.read_text(encoding="utf-8").split("\n## ")[0]
    stated = set()
    for claim, judged in paragraphs():
        cited = {label for label in REFERENCE.findall(judged) if re.match("(thm|prp|lem|cor|eq)-", label)}
        assert all(kinds[label] for label in cited), claim
        only_stated = {label for label in cited if all(kind.startswith("stated") for kind in kinds[label])}
        assert cited - only_stated, claim
        stated |= only_stated
    assert stated == set(REFERENCE.findall(introduction))


def test_a_condition_is_said_first():
    """After "True with a condition" the first sentence says what is needed."""
    for claim, paragraph in claims():
        if verdict(paragraph) == "True with a condition":
            first = re.split(r"[.:] ", paragraph.partition(".** ")[2].replace("\n", " "))[0]
            assert re.search(r"\b(must|needs?|needed|has to|have to|takes)\b", first), claim


def test_what_the_essay_does_not_write_is_marked():
    """Quotations that end where a formula stood, and claims that no quotation makes."""
    for claim, _ in claims():
        lost = re.search(r'(\bbecomes|\bis|\bthis part|normal distribution)"$', claim.partition(" (inferred")[0])
        assert ("inferred" in claim) == (bool(lost) or claim.startswith("> (inferred)")), claim


def test_the_expectation_has_an_entry_of_its_own():
    (judged,) = [judged for claim, judged in paragraphs() if quotations(claim) == ["maximizing such expectation"]]
    assert {"eq-q", "eq-gain", "prp-saddle"} <= set(REFERENCE.findall(judged))


def test_the_side_note_is_judged_by_both_kinds_of_convergence():
    note = {quotations(claim)[0]: set(REFERENCE.findall(judged)) for claim, judged in paragraphs()[-2:]}
    kmeans, mixture = note.values()
    assert [*note][1] == "however, gmm does not have to converge"
    assert {"thm-lloyd-finite", "thm-partial-optimum", "thm-local-minimum", "prp-local-meanings"} <= kmeans
    assert {"thm-unbounded", "thm-collapse", "thm-no-collapse", "thm-parameters", "prp-drift"} <= mixture


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
    """Each row quotes an audited claim, has its verdict, and cites a result that the claim cites."""
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
        if row.startswith("True "):  # of, with, for: a condition follows
            assert verdict(found[0]) == "True with a condition", words
        assert set(labels) & set(REFERENCE.findall(found[0])), words

"""The index of results names every theorem of the book once, in the order of the alphabet, and leads to it."""

import nbformat
import pytest
from built import page
from named import key
from results import THEOREMS, markdown, notebooks, results

pytestmark = pytest.mark.site


def lines():
    return [item for group in page("book/results").select("article ul.simple") for item in group.find_all("li")]


def test_every_theorem_is_named_once():
    listed = sorted(item.find_all("a")[-1]["href"] for item in lines())
    wanted = sorted(
        f"{path.stem}.html#{result.label}"
        for path in notebooks()
        for result in results(markdown(nbformat.read(path, as_version=4)))
        if result.kind in THEOREMS
    )
    assert listed == wanted and len(wanted) > 60


def test_they_stand_in_the_order_of_the_alphabet():
    class Words(str):
        def astext(self):
            return str(self)

    said = [key([Words(item.get_text().rsplit(" (", 1)[0])]) for item in lines()]
    assert [words[:4] for words in said] == sorted(words[:4] for words in said)


def test_articles_and_signs_do_not_count():
    class Words(str):
        def astext(self):
            return str(self)

    assert key([Words("The bound")]) == "bound" and key([Words("K-means climbs…")]) == "kmeans climbs"
    assert key([Words("Łojasiewicz’s inequality")]) == "lojasiewiczs inequality"

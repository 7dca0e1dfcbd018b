"""Released anchors lead somewhere, in the list and on the built pages."""

import anchors
import pytest
from built import HTML, soup


def test_no_released_anchor_is_gone():
    assert anchors.complaints(anchors.released(), anchors.present()) == []


def test_the_list_holds_the_first_release():
    known = anchors.released()
    assert len(known) >= 285
    for name in (
        "book/em#equation-eq-bound",
        "book/reduction#thm-bias",
        "book/kmeans#ch-kmeans",
        "book/normal#fig-errors",
        "book/normal#ex-normal-twins",
    ):
        assert name in known


@pytest.mark.site
def test_released_anchors_work_on_the_pages():
    """The id is on its old page; where it has moved to another page, it says where."""
    known = anchors.released()
    for anchor in known:
        page, name = anchor.split("#")
        place = soup(HTML / f"{page}.html").find(id=name)
        assert place is not None, anchor
        new_page, new_name = anchors.final(anchor, known).split("#")
        if new_page != page:
            link = place.find("a")["href"]
            assert link == f"{new_page.removeprefix('book/')}.html#{new_name}"
            assert soup(HTML / f"{new_page}.html").find(id=new_name) is not None


@pytest.mark.site
def test_present_anchors_are_those_of_the_pages():
    """What a source promises is what the page has, so the list can be made from the sources."""
    for anchor in anchors.present():
        page, name = anchor.split("#")
        assert soup(HTML / f"{page}.html").find(id=name) is not None, anchor


@pytest.fixture
def book(tmp_path):
    (tmp_path / "_toc.yml").write_text("root: book/one\nparts:\n- chapters:\n  - file: book/two\n")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "one.md").write_text(
        "(ch-one)=\n# One\n\n$$a$$ (eq-a)\n\n:::{prf:lemma} Name\n:label: lem-b\n$$c$$ (eq-c)\n:::\n"
    )
    (tmp_path / "book" / "two.md").write_text(
        "# Two\n\n```{exercise} Easy: it\n:label: ex-d\nWhy?\n```\n\n```{figure} f.svg\n:name: fig-e\nIt.\n```\n"
    )
    return tmp_path


def test_anchors_of_every_kind_are_found(book):
    assert anchors.present(book) == {
        "book/one#ch-one",
        "book/one#equation-eq-a",
        "book/one#lem-b",
        "book/one#equation-eq-c",
        "book/two#ex-d",
        "book/two#fig-e",
    }


def test_a_released_anchor_that_goes_needs_another_place(book):
    path = book / "anchors.txt"
    assert anchors.release(book, path) == []
    assert set(anchors.released(path)) == anchors.present(book)
    page = book / "book" / "one.md"
    page.write_text(page.read_text().replace("lem-b", "lem-new"))
    (wrong,) = anchors.complaints(anchors.released(path), anchors.present(book))
    assert wrong.startswith("book/one#lem-b was released and is gone")
    assert anchors.release(book, path) == [wrong]  # nothing is released before it is mended
    assert "lem-new" not in path.read_text()
    path.write_text(path.read_text().replace("book/one#lem-b\n", "book/one#lem-b -> book/one#lem-new\n"))
    assert anchors.release(book, path) == []
    assert anchors.released(path)["book/one#lem-b"] == "book/one#lem-new" and "book/one#lem-new" in anchors.released(
        path
    )


@pytest.mark.parametrize(
    "known, wrong",
    [
        ({"p#a": None, "p#b": "p#a"}, []),
        ({"p#c": "p#b", "p#b": "p#a"}, []),
        ({"p#b": "p#gone"}, ["p#b leads to p#gone, which is not in the book"]),
        ({"p#a": "p#a2"}, ["p#a is in the book, so it needs no other place"]),
    ],
)
def test_what_the_list_may_say(known, wrong):
    assert anchors.complaints(known, {"p#a"}) == wrong


def test_moves_in_a_circle_are_an_error():
    with pytest.raises(ValueError, match="leads back to itself"):
        anchors.complaints({"p#b": "p#c", "p#c": "p#b"}, {"p#a"})

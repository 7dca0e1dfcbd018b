"""The API page: it names everything public, its tables name what there is, and docstrings link their chapters."""

import inspect
import re
from pathlib import Path

import pytest
from api import MADE_BY_MIXLIB, addresses, in_signature, link_chapters, typeset
from sklearn.cluster import KMeans as PeerKMeans
from sklearn.mixture import GaussianMixture as PeerMixture

import mixlib
from mixlib.estimators.base import OTHER_NAMES

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "api.md").read_text(encoding="utf-8")


def test_everything_public_is_on_the_page():
    for name in mixlib.__all__:
        assert re.search(rf"mixlib\.{name}\b", PAGE), name


def test_every_parameter_of_scikit_learn_is_ours_or_in_the_table():
    """And a few that have no meaning here: what is set by them is said where they are refused."""
    table = " ".join(re.findall(r"`([^`]*)`", PAGE))
    for ours, theirs in ((mixlib.KMeans, PeerKMeans), (mixlib.GaussianMixture, PeerMixture)):
        missing = theirs._get_param_names()
        missing = [name for name in missing if name not in ours._get_param_names()]
        assert missing and all(name in OTHER_NAMES for name in missing), missing
        assert all(re.search(rf"\b{name}\b", table) for name in missing)


def test_the_parameters_of_the_table_are_ours():
    rows = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
    known = {*inspect.signature(mixlib.fit).parameters, *inspect.signature(mixlib.select).parameters}
    known |= {*mixlib.KMeans._get_param_names(), *mixlib.GaussianMixture._get_param_names(), "return_indices"}
    named = {name for row in rows for name in re.findall(r"\b(\w+)=", row)}
    assert len(named) > 6 and named <= known, named - known
    for row, name in (("uncertainty", mixlib.Mixture), ("ranking", mixlib.Selection)):
        assert any(row in cell for cell in rows) and hasattr(name, row)


@pytest.mark.parametrize(
    "text, linked",
    [
        ("Chapter 4; Dempster", ":doc:`Chapter 4 </book/em>`; Dempster"),
        ("(chapters 1 and 2)", "(:doc:`chapters 1 </book/normal>` and :doc:`2 </book/likelihood>`)"),
        ("chapters 0 to 5", ":doc:`chapters 0 </book/index>` to :doc:`5 </book/reduction>`"),
        ("no chapter", "no chapter"),
    ],
)
def test_chapters_are_links(text, linked):
    assert link_chapters(text, addresses()) == linked


@pytest.mark.parametrize(
    "text, shown",
    [
        ("mu_k, in the units of the data.", ":math:`\\mu_k`, in the units of the data."),
        ("sigma^2 of the data, over K^(2/d)", ":math:`\\sigma^{2}` of the data, over :math:`K^{2/d}`"),
        ("t^-0.7 and (w / W)^0.7", ":math:`t^{-0.7}` and :math:`(w/W)^{0.7}`"),
        ("the L of Sigma = L L^T: C numbers", "the L of :math:`\\Sigma` = L L^T: C numbers"),
        ("tol : float >= 0", "tol : float ≥ 0"),
        ("``mu >= 0`` and ``x^2``", "``mu >= 0`` and ``x^2``"),
        ("sigma^2 of ``x^2 = 1``, pi", ":math:`\\sigma^{2}` of ``x^2 = 1``, :math:`\\pi`"),
        (">>> mu >= 0", ">>> mu >= 0"),
        ("a number of points, multiply", "a number of points, multiply"),
    ],
)
def test_letters_and_powers_are_typeset(text, shown):
    assert typeset(text) == shown


def test_private_constructors_are_hidden():
    for name in MADE_BY_MIXLIB:
        assert in_signature(None, "class", name, None, None, "(data, model)", None) == ("", None)
    assert in_signature(None, "class", "mixlib.Mixture", None, None, "(weights)", None) is None


def test_estimators_show_their_parameters():
    for name, first in (("KMeans", "n_clusters=8"), ("GaussianMixture", "n_components=1")):
        thing = getattr(mixlib, name)
        shown, _ = in_signature(None, "class", f"mixlib.{name}", thing, None, "(*args, **kwargs)", None)
        assert shown.startswith(f"({first}, *, ") and "random_state=None" in shown and "'ArrayLike'" not in shown

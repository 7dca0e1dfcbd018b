"""Real data that the book uses, each with its source and licence."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from importlib.resources import files
from io import BytesIO

import numpy as np

from ._types import Floats, Ints

__all__ = ["Dataset", "hopper", "iris", "old_faithful", "penguins"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of measurements; each call that loads one makes new arrays.

    Attributes
    ----------
    x : (n, d) array of float
        One point a row.
    names : tuple of d str
        What the columns measure.
    units : tuple of d str
    source, licence : str
    labels : (n,) array of int, or None
        The group that a point belongs to, where it is known, counted from 0.
    label_names : tuple of str, or None
    """

    x: Floats = field(repr=False)
    names: tuple[str, ...]
    units: tuple[str, ...]
    source: str = field(repr=False)
    licence: str = field(repr=False)
    labels: Ints | None = field(default=None, repr=False)
    label_names: tuple[str, ...] | None = None


def old_faithful() -> Dataset:
    """Old Faithful geyser: length of 272 eruptions and the wait for the next, in minutes.

    The version of R's ``faithful``; chapters 0 to 5 use it. Azzalini & Bowman (1990)
    describe a more complete one.

    Examples
    --------
    >>> from mixlib.datasets import old_faithful
    >>> data = old_faithful()
    >>> data.x.shape
    (272, 2)
    >>> data.names, data.units
    (('eruptions', 'waiting'), ('min', 'min'))
    """
    names, rows = _read("old_faithful.csv")
    return Dataset(
        x=np.array(rows, dtype=float),
        names=names,
        units=("min", "min"),
        source="R (datasets::faithful), from Härdle (1991), Smoothing Techniques with "
        "Implementation in S, Springer; a more complete version in Azzalini & Bowman (1990), "
        "A look at some data on the Old Faithful geyser, Applied Statistics 39, 357-365",
        licence="facts of measurement, no licence of their own is stated; shipped with R (GPL-2 | GPL-3)",
    )


def iris() -> Dataset:
    """Iris: sepal and petal lengths and widths of 150 flowers of three species, in cm.

    Fisher's table as in R and in scikit-learn; the UCI repository's file differs from
    it in flowers 35 and 38. ``labels`` are the species, which no clustering sees.

    Examples
    --------
    >>> from mixlib.datasets import iris
    >>> data = iris()
    >>> data.x.shape, data.label_names
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    names, rows = _read("iris.csv")
    species = ("setosa", "versicolor", "virginica")
    return Dataset(
        x=np.array([row[:4] for row in rows], dtype=float),
        names=names[:4],
        units=("cm",) * 4,
        source="Fisher (1936), The use of multiple measurements in taxonomic problems, Annals of "
        "Eugenics 7, 179-188; collected by Anderson (1935), The irises of the Gaspé "
        "Peninsula, Bulletin of the American Iris Society 59, 2-5",
        licence="CC BY 4.0 (UCI Machine Learning Repository, doi:10.24432/C56C76)",
        labels=np.array([species.index(row[4]) for row in rows]),
        label_names=species,
    )


def penguins() -> Dataset:
    """Palmer penguins: bill, flipper and body mass of 342 adults of three species, in mm and g.

    Two of the 344 birds of the source were not measured, and are left out. ``labels`` are the
    species, which no clustering sees.

    Examples
    --------
    >>> from mixlib.datasets import penguins
    >>> data = penguins()
    >>> data.x.shape, data.label_names
    ((342, 4), ('Adelie', 'Chinstrap', 'Gentoo'))
    >>> data.names, data.units
    (('bill_length', 'bill_depth', 'flipper_length', 'body_mass'), ('mm', 'mm', 'mm', 'g'))
    """
    names, rows = _read("penguins.csv")
    species = ("Adelie", "Chinstrap", "Gentoo")
    return Dataset(
        x=np.array([row[:4] for row in rows], dtype=float),
        names=names[:4],
        units=("mm", "mm", "mm", "g"),
        source="Gorman, Williams & Fraser (2014), Ecological sexual dimorphism and environmental "
        "variability within a community of Antarctic penguins (genus Pygoscelis), PLoS ONE 9(3), "
        "e90081; table penguins of Horst, Hill & Gorman (2020), palmerpenguins",
        licence="CC0 1.0 (palmerpenguins, for the data of Palmer Station LTER)",
        labels=np.array([species.index(row[4]) for row in rows]),
        label_names=species,
    )


def hopper() -> Dataset:
    """Grace Hopper's official portrait of 1984: the colours of 150 rows of 128 pixels.

    A pixel is a point: its red, green and blue as sRGB codes, whole numbers from 0 to 255.
    ``x.reshape(150, 128, 3)`` is the picture, which was made smaller by averaging blocks of
    4 by 4 pixels in linear light.

    Examples
    --------
    >>> from mixlib.datasets import hopper
    >>> data = hopper()
    >>> data.x.shape, data.names
    ((19200, 3), ('red', 'green', 'blue'))
    """
    with np.load(BytesIO(_file("hopper.npz").read_bytes())) as file:
        pixels = file["pixels"]
    return Dataset(
        x=pixels.reshape(-1, 3).astype(float),
        names=("red", "green", "blue"),
        units=("sRGB code",) * 3,
        source="Commodore Grace M. Hopper, USNR, official portrait of 20 January 1984, Naval History and "
        "Heritage Command; made smaller from grace_hopper.jpg in matplotlib's sample data",
        licence="public domain in the United States, as a work of its Navy (17 U.S.C. 105)",
    )


def _read(name):
    """The header and the rows of a CSV file in mixlib/data, comments left out."""
    text = _file(name).read_text(encoding="utf-8")
    header, *rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(header), rows


def _file(name):
    return files("mixlib").joinpath("data", name)

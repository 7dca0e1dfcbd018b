"""The types that public signatures speak of; the docstrings give shapes and units."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from .mixture import Mixture
    from .record import Record

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.intp]
RandomState: TypeAlias = int | np.random.Generator | np.random.RandomState | None
Start: TypeAlias = Union[ArrayLike, "Mixture"]  # a name is an ArrayLike, too
Callback: TypeAlias = Callable[["Record"], object]

__all__ = ["ArrayLike", "Callback", "Floats", "Ints", "RandomState", "Start"]

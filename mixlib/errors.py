"""What mixlib raises and warns of, each with a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .mixture import Mixture
    from .result import Fit


class SingularFitError(ValueError):
    """A covariance became singular: the likelihood is unbounded there (chapter 2).

    `mixture` is the last iterate before that, if there was one.
    """

    mixture: Mixture | None = None


class TooFewPointsError(ValueError):
    """Seeding found fewer distinct points than components (chapter 3)."""


def too_few(n_distinct, K):
    """The error, in words."""
    return TooFewPointsError(
        f"x has only {n_distinct} distinct points, fewer than the {K} components: ask for at most {n_distinct}"
    )


class BlockError(RuntimeError):
    """A block of rows could not be read; the message says which."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came while the loop ran: ``fit`` is a `Fit` of the last iteration that was finished.

    It ends what a KeyboardInterrupt ends. In an interactive session: ``sys.last_value.fit``.
    """

    def __init__(self, fit: Fit) -> None:
        super().__init__(f"interrupted after {fit.n_iter} iterations; the last one is in this exception's .fit")
        self.fit = fit


class ConvergenceWarning(UserWarning):
    """The loop reached `max_iter` before it converged."""


class EmptyComponentWarning(UserWarning):
    """A component of the result holds no points."""


class SingularFitWarning(UserWarning):
    """A covariance became singular, and a weak prior was used to keep it regular."""

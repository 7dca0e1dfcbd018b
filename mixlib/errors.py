"""What mixlib raises and warns of, each with a name of its own."""


class SingularFitError(ValueError):
    """A covariance became singular: the likelihood is unbounded there (chapter 2).

    `mixture` is the last iterate before that, if there was one.
    """

    mixture = None


class TooFewPointsError(ValueError):
    """Seeding found fewer distinct points than components (chapter 3)."""


class ConvergenceWarning(UserWarning):
    """The loop reached `max_iter` before it converged."""


class EmptyComponentWarning(UserWarning):
    """A component of the result holds no points."""


class SingularFitWarning(UserWarning):
    """A covariance became singular, and a weak prior was used to keep it regular."""

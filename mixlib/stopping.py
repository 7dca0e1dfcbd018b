"""When a soft fit has converged: when little is left to gain, by Aitken's estimate of the limit.

EM converges linearly: in the end each gain is a times the one before, so after a gain g there
remain g a + g a^2 + ... = g a / (1 - a) (Boehning, Dietz, Schaub, Schlattmann and Lindsay 1994).
"""

import numpy as np

IN_A_ROW = 2  # estimates that must be small: one alone may be taken where the gains level off


class Aitken:
    """`reached` is told the objective of each iteration; `tol` is what may be left to gain, 0 for nothing."""

    def __init__(self, tol):
        self.tol, self.before, self.gain, self.small = tol, None, None, 0

    def reached(self, objective, jumped=False):
        """Is at most `tol` left? After an accelerated step (`jumped`) the gains begin anew."""
        if self.before is None or self.tol == 0:
            self.before = objective
            return False
        before, self.before = self.before, objective
        gain, last = objective - before, self.gain
        if jumped:
            self.gain, self.small = None, self.small if gain <= self.tol else 0
            return False
        self.gain = gain
        if gain <= np.finfo(float).eps * abs(objective):
            return True  # rounding is all that moves it
        if last is None:
            return False
        rate = gain / last
        left = gain * rate / (1 - rate) if rate < 1 else np.inf
        self.small = self.small + 1 if left <= self.tol else 0
        return self.small == IN_A_ROW

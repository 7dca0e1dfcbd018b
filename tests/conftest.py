"""Every test starts from the same seeds."""

import os
import random

os.environ["SCIPY_ARRAY_API"] = "1"          # before SciPy: one of scikit-learn's estimator checks needs it

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seeds():
    random.seed(1)
    np.random.seed(1)

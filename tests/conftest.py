"""Every test starts from the same seeds."""

import random

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seeds():
    random.seed(1)
    np.random.seed(1)

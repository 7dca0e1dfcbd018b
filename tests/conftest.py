"""Every test starts from the same seeds, and draws no window."""

import os
import random

import numpy as np
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")   # two workers share the machine
os.environ.pop("MPLBACKEND", None)              # "agg" there would drop the notebooks' figures


@pytest.fixture(autouse=True)
def seeds():
    random.seed(1)
    np.random.seed(1)

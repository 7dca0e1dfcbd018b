"""Every test starts from the same seeds."""

import os
import random

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy: one of scikit-learn's estimator checks needs it

import numpy as np
import pytest

SITE = {"test_site", "test_ledger", "test_claims", "test_typeset", "test_browser"}  # they read the built pages


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem in SITE:
            item.add_marker("site")


@pytest.fixture(autouse=True)
def seeds():
    random.seed(1)
    np.random.seed(1)


@pytest.fixture(scope="module")
def browser():
    """Chromium."""
    from playwright.sync_api import sync_playwright
    from served import FLAGS, browser_path

    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=browser_path(), args=FLAGS) as found:
            yield found


@pytest.fixture(scope="module")
def site():
    """The address at which the built book is served."""
    from built import require_fresh_site
    from served import serve

    if not os.environ.get("STALE"):
        require_fresh_site()
    server, address = serve()
    yield address
    server.shutdown()
    server.server_close()

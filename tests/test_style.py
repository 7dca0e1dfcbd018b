"""The code keeps to one style, which ruff holds, and public signatures are typed, which mypy holds.

What the two ask for stands in pyproject.toml.
"""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import mixlib

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("command", ["check", "format --check --diff"])
def test_ruff_has_nothing_to_say(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command.split(), "--no-cache", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_has_nothing_to_say():
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


RIGHT = """
fit = mixlib.fit([[0.0], [1.0]], 2, init=mixlib.Mixture([1.0], [[0.0]], [[[1.0]]]), callback=lambda record: record.iteration > 3)
labels: np.ndarray = mixlib.KMeans(2, random_state=np.random.default_rng(0)).fit([[0.0], [1.0]]).predict([[0.0]])
value: float = mixlib.bic(fit) + mixlib.GaussianMixture(2).fit(fit.labels).bic()
centres, chosen = mixlib.kmeans_plusplus([[0.0]], 1, return_indices=True)
best: mixlib.Fit = mixlib.select([[0.0]], n_jobs=2).best
line = mixlib.plot.trace
"""
WRONG = {
    'mixlib.fit([[0.0]], "two")': "arg-type",
    "mixlib.KMeans(n_cluster=2)": "call-arg",
    "mixlib.fit([[0.0]], 2).label": "attr-defined",
    "mixlib.GaussianMixture(2, covariance=3)": "call-arg",
    "mixlib.fit([[0.0]], 2, callback=3)": "arg-type",
    "a, b = mixlib.kmeans_plusplus([[0.0]], 1).x": "attr-defined",
}


def test_types_reach_those_who_use_mixlib(tmp_path):
    """A type checker passes what is right and finds what is wrong, line by line."""
    program = tmp_path / "program.py"
    program.write_text("import numpy as np\nimport mixlib\n" + RIGHT + "\n".join(WRONG) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(program)], cwd=ROOT, capture_output=True, text=True
    )
    first = 3 + RIGHT.count("\n")
    found = {
        int(line.split(":")[1]): line.rsplit("[", 1)[1][:-1] for line in done.stdout.splitlines() if " error: " in line
    }
    assert found == {first + at: code for at, code in enumerate(WRONG.values())}, done.stdout


def public():
    """(name, function) of what a user may call: of the package and of the modules that the API page names."""
    modules = [import_module(f"mixlib.{name}") for name in ("plot", "slider", "laboratory", "checks", "datasets")]
    things = [(f"mixlib.{name}", getattr(mixlib, name)) for name in mixlib.__all__]
    for module in modules:
        things += [
            (f"{module.__name__}.{name}", thing)
            for name, thing in vars(module).items()
            if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__
        ]
    for name, thing in things:
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            for within, member in vars(thing).items():
                member = member.fget if isinstance(member, property) else member
                ours = inspect.isfunction(member) and member.__module__.startswith("mixlib")
                if ours and (within == "__init__" or not within.startswith("_")):
                    yield f"{name}.{within}", member
        elif inspect.isfunction(thing):
            yield name, thing


@pytest.mark.parametrize("name, function", list(public()), ids=lambda value: value if isinstance(value, str) else "")
def test_public_signatures_are_typed(name, function):
    signature = inspect.signature(function)
    missing = [
        key
        for key, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty and key not in ("self", "cls")
    ]
    assert not missing and signature.return_annotation is not signature.empty, (name, missing)


def test_py_typed_is_there():
    assert (ROOT / "mixlib" / "py.typed").exists()

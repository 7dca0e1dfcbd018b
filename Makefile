# `make book` builds the book, `make test` checks all of it. README.md has the same lines for
# people without make.

PYTHON ?= python3
PY := .venv/bin/python
SOURCES := $(shell find book mixlib -type f -not -path '*/.*' -not -name '*.pyc' | sort)
SETTINGS := _config.yml _toc.yml requirements.lock pyproject.toml

.PHONY: book test unit serve pdf epub stubs newest oldest wheel anchors picture bench peers lighthouse resave pointers lock clean

book: _build/book
	@echo "The book is built. Its front page: file://$(CURDIR)/_build/html/index.html"

test: book
	$(PY) -m pytest

# The quick half: mixlib alone, under a minute.
unit: .venv/installed
	$(PY) -m pytest tests mixlib -m "not site and not slow"

serve: book
	@echo "The book is served at http://127.0.0.1:8000 (Ctrl-C ends it)"
	$(PY) -m http.server 8000 --bind 127.0.0.1 --directory _build/html

# The whole book as _build/pdf/book.pdf, checked. `make book` after it puts it on the site.
pdf: .venv/installed
	MIXLIB_FIGURES=pdf .venv/bin/jupyter-book build --all -W -n --keep-going --builder latex --path-output _build/pdf .
	$(PY) book/_ext/pdf.py
	@rm -f _build/book

# The whole book as _build/epub/book.epub, which each build writes for the site; checked where there is epubcheck.
epub: book
	$(PY) book/_ext/epub.py

# Does the book hold with the newest versions of everything? _build/newest.txt says which chapters broke.
newest: .venv-newest/installed
	@mkdir -p _build
	.venv-newest/bin/python -m pytest book mixlib tests -m "not site" --deselect tests/test_project.py > _build/newest.log 2>&1; \
		code=$$?; cat _build/newest.log; $(PYTHON) book/_ext/newest.py _build/newest.log > _build/newest.txt; \
		cat _build/newest.txt; exit $$code

# Does mixlib hold with the oldest versions that pyproject.toml promises?
oldest: .venv-oldest/installed
	.venv-oldest/bin/python -m pytest -o addopts="--doctest-modules -n 2" tests mixlib -m "not site" --deselect tests/test_project.py --deselect tests/test_style.py

# Notebooks with the exercises of each chapter to hand out, without the solutions, in _build/stubs.
stubs: .venv/installed
	$(PY) book/_ext/stubs.py _build/stubs

wheel: .venv/installed
	rm -rf dist build
	$(PY) -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

# A step of each release: the anchors of the book as it is become promises.
anchors: .venv/installed
	$(PY) book/_ext/anchors.py

# The README's picture, drawn anew.
picture: .venv/installed
	$(PY) book/_ext/picture.py

bench: .venv-bench/installed
	.venv-bench/bin/python benchmarks/run.py $(BENCH)
	$(if $(BENCH),,.venv-bench/bin/python benchmarks/streams.py)

# What mixlib promises for arrays of other libraries, asked of torch's tensors.
peers: .venv-bench/installed
	.venv-bench/bin/python -m pytest -n 0 benchmarks/test_torch.py

# Speed, accessibility and weight of every page, as a table. Needs npm and Chromium.
lighthouse: book
	$(PY) tests/lighthouse.py $(PAGES)

resave: .venv/installed
	$(PY) book/_ext/resave.py $(NB)

pointers: .venv/installed
	$(PY) book/_ext/pointers.py

# Writes requirements.lock anew from requirements.txt: exact versions, the same on every system
# and on Python 3.11 to 3.14. Needs uv (https://docs.astral.sh/uv/).
lock:
	uv pip compile --upgrade --universal --fork-strategy fewest --python-version 3.11 \
		--no-header --no-annotate --output-file requirements.lock requirements.txt

clean:
	rm -rf _build build dist .venv .venv-bench .venv-newest .venv-oldest .pytest_cache .hypothesis mixlib.egg-info

# The stamp is written last, so a build that failed is tried again.
_build/book: .venv/installed _build/sources $(SOURCES) $(SETTINGS)
	.venv/bin/jupyter-book build --all -W -n --keep-going .
	@touch $@

# The list of sources changes when one is added or taken away, which no date would tell.
_build/sources: FORCE
	@mkdir -p _build
	@echo $(SOURCES) | cmp -s - $@ || echo $(SOURCES) > $@

.venv-newest/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --disable-pip-version-check --upgrade -r requirements.txt
	.venv-newest/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv-oldest/installed: requirements.txt requirements.oldest pyproject.toml
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install --disable-pip-version-check -r requirements.txt -c requirements.oldest
	.venv-oldest/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The peers stand in an environment of their own; one that cannot be installed is left out.
.venv-bench/installed: requirements.lock benchmarks/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip install --disable-pip-version-check -r requirements.lock
	.venv-bench/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@grep -v '^#' benchmarks/requirements.txt | while read peer; do \
		.venv-bench/bin/python -m pip install --disable-pip-version-check $$peer \
			|| echo "$$peer could not be installed: it will be reported as missing"; done
	@touch $@

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed. Name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments."; \
		echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(PY) -m pip install --disable-pip-version-check -r requirements.lock
	$(PY) -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: FORCE

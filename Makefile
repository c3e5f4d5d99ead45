# Everything runs in .venv, which each target sets up by itself; see .ci/environment.py.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n auto
ARGS ?=

.PHONY: help setup demo examples test interop bench check clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*##/make \1 -/'

setup:  ## make .venv, with the project and its development tools
	@$(PYTHON) .ci/environment.py checkout >/dev/null

demo: setup  ## trace, save, load and look inside: the main job on real input
	@$(BIN)/python examples/demo.py

examples: setup  ## train on handwritten digits, save, train on what was loaded; the guide's way, with pictures
	@$(BIN)/python examples/digits.py
	@$(BIN)/python examples/guide.py

test: setup  ## run the suite, which needs no TensorFlow (ARGS="-k matmul" chooses tests)
	$(PYTEST) --ignore=tests/interop $(ARGS)

interop: setup  ## compare with TensorFlow, installed once in the user's cache folder
	python=$$($(PYTHON) .ci/environment.py oracle) && sonnet=$$($(PYTHON) .ci/environment.py sonnet) && \
	CALQUE_TF_PYTHON=$$python CALQUE_SONNET_PYTHON=$$sonnet $(PYTEST) tests/interop $(ARGS)

bench: setup  ## measure against other runtimes, write benchmarks/RESULTS.md (ARGS="--quick --only mlp")
	@$(BIN)/python benchmarks/suite.py $(ARGS)

check: setup  ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:  ## remove .venv, caches and build outputs
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

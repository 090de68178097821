# The newcomer's door: `make demo` and `make test` set up everything they need.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := pyproject.toml schemas/pyproject.toml runtime/pyproject.toml constraints.txt
DISTRIBUTIONS := -e ./schemas -e "./runtime[all]" -e .
DEMO ?= demo

.PHONY: help setup demo test test-all test-ray test-llm lint format types coverage bench-quality bench-serving clean

help:  ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP)  ## Install everything into .venv (uv when it is there, else venv + pip)

$(STAMP): $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python >= 3.11 is needed; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "setting up $(VENV) (once; a minute or two)"
	@if command -v uv >/dev/null 2>&1; then \
		uv venv -q --allow-existing --python "$(PYTHON)" $(VENV) && \
		uv pip install -q --python $(BIN)/python -c constraints.txt $(DISTRIBUTIONS) --group dev; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade "pip>=25.1" && \
		$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt $(DISTRIBUTIONS) --group dev; \
	fi
	@touch $@

demo: $(STAMP)  ## Run the main job on examples/messy_churn
	$(BIN)/automl new "predict which subscribers will leave, AUC above 0.8" --data examples/messy_churn/data \
		--out $(DEMO) --force --budget 30s --no-ask

test: $(STAMP)  ## Run the tests (what CI runs)
	$(BIN)/python -m pytest -n auto

test-all: $(STAMP)  ## Run the tests, slow ones included
	$(BIN)/python -m pytest -n auto -m "not llm and not ray and not gpu"

test-ray: $(STAMP)  ## Run the tests on a Ray cluster of three nodes (installs the extra)
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install -q --python $(BIN)/python -c constraints.txt -e "./runtime[ray]"; \
	else \
		$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e "./runtime[ray]"; \
	fi
	$(BIN)/python -m pytest -n 0 -m ray

test-llm: $(STAMP)  ## Tests and the table of docs/agent.md with a real local model (downloads 1.1 GB; an hour)
	$(BIN)/python -m benchmarks.agent.local_model coder -- $(BIN)/python -m pytest -n 0 -m llm
	$(BIN)/python -m benchmarks.agent.sentences --again
	$(BIN)/python -m benchmarks.agent.local_model coder -- $(BIN)/python -m benchmarks.agent.sentences --llm auto --again

lint: $(STAMP)  ## Style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## Rewrite the code in house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: $(STAMP)  ## Tests with coverage of first-party code (at least 90 %)
	$(BIN)/python -m pytest -n auto --cov --cov-report=term --cov-fail-under=90

bench-quality: $(STAMP)  ## Scores on ../shared/data and against other engines, as tables (40 minutes)
	$(BIN)/python -m benchmarks.quality.compare --again
	$(BIN)/python -m benchmarks.quality.compare --again --budget 10
	$(BIN)/python -m benchmarks.quality.shared
	$(BIN)/python -m benchmarks.quality.sentences
	$(BIN)/python -m benchmarks.quality.compare --again --budget 5 --seeds 0 --public

bench-serving: $(STAMP)  ## The service beside others, and what it bears, as tables (half an hour; needs wrk)
	@command -v wrk >/dev/null || { echo "wrk is needed for the load: apt-get install wrk"; exit 1; }
	$(BIN)/python -m benchmarks.serving.kernels
	$(BIN)/python -m benchmarks.serving.twins
	$(BIN)/python -m benchmarks.serving.record
	$(BIN)/python -m benchmarks.serving.peers
	$(BIN)/python -m benchmarks.serving.overhead
	$(BIN)/python -m benchmarks.serving.streams
	$(BIN)/python -m benchmarks.serving.exchange
	$(BIN)/python -m benchmarks.serving.jobs
	$(BIN)/python -m benchmarks.serving.models
	$(BIN)/python -m benchmarks.serving.models --models 50 --clients 100 --rate 167 --workers 4 --kill

clean:  ## Remove what the other commands made
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis

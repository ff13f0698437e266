# `make run` opens the console, `make test` checks everything; each sets up .venv by itself, once.
PYTHON ?= python3
VENV := .venv
comma := ,
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
PINS := constraints.txt requirements.txt requirements-test.txt
WORKERS ?= auto

.PHONY: run test lint types docs bench campaign pins screenshots clean

# With pip's own progress: PyTorch alone is 190 MB. All but PyTorch is taken by its hash.
define install
@echo "Setting up in $(VENV), once: PyTorch (about 190 MB) and some smaller packages are downloaded."
@$(PIP) --require-hashes --no-deps $(1)
@PIP_CONSTRAINT=constraints.txt $(PIP) --no-build-isolation --editable '.$(2)'
@echo "Compiling the training code for this processor, once: about a minute."
@$(BIN)/python -m seqsum.training.backends.fused
endef

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(PINS) | $(BIN)/python
	$(call install,-r requirements.txt,[sweep])
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(PINS) | $(BIN)/python
	$(call install,-r requirements.txt -r requirements-test.txt,[sweep$(comma)slurm$(comma)ray$(comma)postgres$(comma)parquet$(comma)onnx$(comma)test$(comma)docs])
	@touch $@ $(VENV)/.installed

run: $(VENV)/.installed
	@$(BIN)/seqsum-tui

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.installed-test
	$(BIN)/mypy

# The reference pages are made anew each time; a broken link or anchor fails.
docs: $(VENV)/.installed-test
	$(BIN)/python -m tests.reference
	$(BIN)/zensical build --clean --strict

test: lint types docs
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

$(VENV)/.installed-bench: $(VENV)/.installed-test
	PIP_CONSTRAINT=constraints.txt $(PIP) --quiet --no-build-isolation --editable '.[sweep,slurm,ray,postgres,parquet,onnx,test,docs,bench]'
	@touch $@

bench: $(VENV)/.installed-bench
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.console
	$(BIN)/python -m tests.bench.opening
	$(BIN)/python -m tests.bench.first_update
	$(BIN)/python -m tests.bench.watching
	$(BIN)/python -m tests.bench.logging_cost
	$(BIN)/python -m tests.bench.foreign

# Hours; `make test` runs the short form.
campaign: $(VENV)/.installed-test
	$(BIN)/python -m tests.campaign --full

# After a change of pyproject.toml or constraints.txt.
pins: $(VENV)/.installed-test
	$(PIP) --quiet uv
	$(BIN)/python -m tests.pins

screenshots: $(VENV)/.installed-test
	$(BIN)/python -m tests.screenshots

clean:
	rm -rf $(VENV) dist site docs/reference .cache .pytest_cache .mypy_cache .ruff_cache

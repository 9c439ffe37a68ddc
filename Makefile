# Two commands matter: `make demo` to see it, `make test` to trust it. Both set up everything they need.

VENV   ?= .venv
PYTHON ?= python3
LOCK   := requirements/all.lock
BIN    := $(VENV)/bin
READY  := $(VENV)/.surtitle
SOURCES = $(wildcard surtitle.py streaming models server clients loadtest tests bench/*.py bench/teensy/*.py docs/*.py)
NETWORK = tests/test_impairment.py tests/faults/test_network.py tests/loadtest/test_calls.py \
          $(wildcard tests/*/*/test_bad_network.py)
QUICK   = not (engine or socket or tui or slow)

.PHONY: help demo test test-network test-browser pictures contract check bench soak chaos soak-props lock clean format ready apertium
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(READY) apertium  ## a spoken conversation, captioned and translated live in this terminal
	@$(BIN)/surtitle demo

test: $(READY) apertium  ## every test that needs no browser, GPU, SGLang or network of its own
	SURTITLE_TRIES=full $(BIN)/python -m pytest

test-network: $(READY)  ## calls and glasses where the Wi-Fi is bad, a minute without any included; as root
	SURTITLE_NETWORK=long $(BIN)/python -m pytest $(NETWORK) $(TESTS)

test-browser: $(READY)  ## the page in a real Chromium; what drives it is put in ~/.cache
	@folder=$$(deploy/setup-browser.sh $(VENV)) && \
	PYTHONPATH=$$folder/python SURTITLE_BROWSER=$$folder SURTITLE_NETWORK=short \
	$(BIN)/python -m pytest tests/browser $(TESTS)

pictures: $(READY)  ## draw the pictures of docs/browser.md anew
	@folder=$$(deploy/setup-browser.sh $(VENV)) && PYTHONPATH=$$folder/python:. $(BIN)/python tests/browser/pictures.py

contract: $(READY)  ## our half of SGLang against the real one, on a CPU with tiny models; 3 GB in ~/.cache
	@folder=$$(deploy/setup-sglang.sh $(VENV)) && \
	SURTITLE_SGLANG=$$folder $(BIN)/python -m pytest tests/contract $(TESTS)

check: $(READY)  ## format, lint, types and the quick tests, in seconds
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy --strict $(SOURCES)
	$(BIN)/python -m pytest -q -m "$(QUICK)"

format: $(READY)  ## lay out the source as `make check` wants it
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(READY) apertium  ## how fast it is: a table, and JSON in bench/
	$(BIN)/python -m bench

soak: $(READY)  ## half an hour of speech in three minutes: does anything grow? SOAK=24h at its own pace
	$(BIN)/python -m bench soak --strict $(if $(CI),--no-history)

chaos: $(READY)  ## 20 rooms for ten minutes while server, models, clients and links are killed; CHAOS_SECONDS=60
	$(BIN)/python -m tests.chaos --seconds $(or $(CHAOS_SECONDS),600)

soak-props: $(READY)  ## about an hour of conversations at random, and 10,000 tries of every decoder
	SURTITLE_TRIES=$(or $(TRIES),50000) $(BIN)/python -m pytest -o timeout=0 tests/server/test_nothing_lost.py
	SURTITLE_TRIES=10000 $(BIN)/python -m pytest -o timeout=0 tests/fuzz

lock:  ## write requirements/*.lock from pyproject.toml; with UPGRADE=1 the newest versions that fit
	PYTHON="$(PYTHON)" requirements/lock.sh $(if $(UPGRADE),--upgrade)

clean:  ## remove what these commands have made
	rm -rf $(VENV) build *.egg-info .ruff_cache .mypy_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ready: $(READY) apertium

# The environment is ready when this file is there: it is written last, so a first run that was interrupted is
# made again, and it is older than the lock when the lock has changed.
.PRECIOUS: $(READY)
$(READY): $(LOCK) pyproject.toml
	@PYTHON="$(PYTHON)" deploy/setup-python.sh $(VENV) $(LOCK)

# Quiet where Apertium is installed; where it cannot be, says so and goes on: captions come, translations do not.
apertium:
	@deploy/setup-debian.sh

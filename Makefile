# Few targets, the same here and in CI. A virtual environment in .venv is made on first use.
#   make demo       three people's rota as calendar files in ./demo, from nothing
#   make test       the tests, two at a time, with the coverage gate of syncd/core
#   make test-long  the same at nightly counts
#   make bench      start-up and speed against their budgets
#   make lint       ruff and mypy
#   make setup      everything the above need
#   make image-check  the container image, built and tried by $ENGINE (docker)
#   make lock       requirements/ anew from pyproject.toml, with uv

SHELL := bash
.SHELLFLAGS := -o pipefail -ec
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV ?= uv
COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --quiet --all-extras --group build
# What the lock's overrides switch off is left out of it altogether.
STRIP := awk '/^[^ ]/ { keep = !/sys_platform == .never./ } keep'

.PHONY: setup demo test test-long bench lint image-check lock check-python
.DEFAULT_GOAL := test

$(VENV)/made: | check-python
	"$(PYTHON)" -m venv $(VENV)
	touch $@

check-python:
	@test -n "$(PYTHON)" || { echo "syncd needs Python 3.11 or later with venv and pip (Debian: apt-get install python3-venv)" >&2; exit 1; }

# The lock is installed first and without looking at anybody's dependencies, so nothing that it does not name gets in.
# The project itself is built with the lock's setuptools, which is why nothing else is fetched for that.
$(VENV)/run: requirements/run.txt pyproject.toml $(VENV)/made
	test -e $(VENV)/dev || $(PIP) install --require-hashes --no-deps -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev: requirements/dev.txt pyproject.toml $(VENV)/made
	$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

setup: $(VENV)/dev

demo: $(VENV)/run
	@$(BIN)/python -m syncd.cli.demo config/demo.yaml demo

# Counting what is covered makes tests a third slower, and these two cover all of syncd/core.
CORE := tests/core tests/machine

test: setup
	$(BIN)/python -m pytest -n 2 -m "not long" $(CORE) --cov=syncd.core --cov-branch --cov-fail-under=100 \
		--cov-report=term-missing:skip-covered $(PYTEST)
	$(BIN)/python -m pytest -n 2 -m "not long" $(CORE:%=--ignore=%) $(PYTEST)

test-long: setup
	$(BIN)/python -m pytest -n 2 $(PYTEST)

bench: setup
	$(BIN)/python -m bench

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

image-check:
	tests/image_check.sh

lock:
	$(COMPILE) | $(STRIP) > requirements/run.txt.new && mv requirements/run.txt.new requirements/run.txt
	$(COMPILE) --group dev --group sim --constraint requirements/run.txt | $(STRIP) > requirements/dev.txt.new \
		&& mv requirements/dev.txt.new requirements/dev.txt

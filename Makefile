# Every target sets up what it needs in .venv by itself; a second call finds it there. Variables:
#
#   PYTHON     the Python that .venv is made from, 3.11 or newer (default: python3)
#   PIP_ARGS   extra arguments for pip. On Linux, PyPI's torch brings gigabytes of CUDA libraries,
#              which `setup`, `test`, `check` and `train` do not need; without them:
#                  make test PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
#   ARGS       arguments for the command of `serve` and `train`, or for pytest in `test`; with them
#              `play` is the terminal game alone:
#                  make play ARGS="--side second --level search"

PYTHON ?= python3
PIP_ARGS ?=
BUF := @bufbuild/buf@1.75.0

VENV := .venv
BIN := $(VENV)/bin
SERVE := $(VENV)/.installed-serve-web
TRAIN := $(VENV)/.installed-train
DEV := $(VENV)/.installed-dev
SOLVER := $(VENV)/.solver-compiled

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installations into one environment must not run side by side.
.NOTPARALLEL:
.PHONY: help setup play test check protos train serve

help: ## List the targets
	@echo "Usage: make TARGET [ARGS=...] [PYTHON=...] [PIP_ARGS=...]"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile

setup: $(DEV) ## Install everything a developer needs into .venv
	@echo "$(VENV) is ready: $(BIN)/fourcast, $(BIN)/fourcast-serve, $(BIN)/fourcast-train"

play: $(SOLVER) ## Open the arcade (no torch); with ARGS, Connect-4 in the terminal
	@# To leave with Ctrl-C (130) is no failure.
	@$(BIN)/fourcast $(if $(strip $(ARGS)),play $(ARGS),arcade) || [ $$? -eq 130 ]

test: $(DEV) ## Run all tests
	@# On all cores; the tests of one file stay together, and share their servers. One thread of sums
	@# each: with more of them than cores, each waits for the others far longer than it works.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

check: $(DEV) ## Check style, types, the dependency rule, stubs and deployment files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python protos/generate.py --check
	$(BIN)/python -m deploy.check
	$(BIN)/fourcast-train connect4-book --verify
	@if npx --fetch-retries=0 --yes $(BUF) --version >/dev/null 2>&1; then \
		echo "npx $(BUF) lint protos"; \
		npx --yes $(BUF) lint protos; \
	else \
		echo "buf cannot be had through npx here; its main rules are checked in Python:"; \
		$(BIN)/python -m pytest -q tests/house/test_protos.py; \
	fi

protos: $(DEV) ## Generate the Python stubs from the .proto files
	$(BIN)/python protos/generate.py

train: $(TRAIN) ## Label positions, train, evaluate and export the Connect-4 network
	$(BIN)/fourcast-train $(or $(ARGS),connect4 --preset default)

serve: $(SERVE) ## Serve models/repository on 127.0.0.1:50051
	@$(BIN)/fourcast-serve $(ARGS)

# pip is the last thing that venv puts there, so a broken attempt is made again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "fourcast needs Python 3.11 or newer; '$(PYTHON)' says:" \
			"$$($(PYTHON) --version 2>&1 || true)." \
			"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; \
	}
	@echo "Creating $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV)

comma := ,

define install
	@echo "Installing $(1) into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --editable '.[$(2)]'
endef

$(SERVE): pyproject.toml | $(BIN)/pip
	$(call install,the service and the clients (no torch),serve$(comma)web)
	@touch $@

$(TRAIN): pyproject.toml | $(BIN)/pip
	$(call install,training (with torch),train)
	@touch $@

# `dev` contains the other two.
$(DEV): pyproject.toml | $(BIN)/pip
	$(call install,all shelves and the developer's tools (with torch),dev)
	@touch $(SERVE) $(TRAIN) $@

$(SOLVER): $(SERVE) $(wildcard models/fourcast_models/connect4/*.py)
	@echo "Compiling the exact solver, once ..."
	@$(BIN)/python -m fourcast_models.connect4.solver
	@touch $@

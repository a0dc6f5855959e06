# Every command sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
ARGS :=
RECIPE := data/flights.py
PYTEST_OPTIONS :=
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-package flightline

-include scripts/development.mk

.PHONY: help
help: ## List the commands
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv from requirements.lock; the other commands do it by themselves (FLIGHTLINE=PATH: another library)
	@scripts/setup.sh

.PHONY: data
data: setup ## Make the data with the recipe in data/
	@$(PYTHON) $(RECIPE)

.PHONY: run
run: data ## Run the whole training pipeline (CONFIG=configs/NAME.yaml, ARGS='--set train.epochs=4' ...)
	@$(PYTHON) runner_local.py $(if $(CONFIG),--config $(CONFIG)) $(ARGS)

.PHONY: test
test: setup ## Run the tests (ARGS='-k preprocessing' ...)
	@$(PYTHON) -m pytest $(PYTEST_OPTIONS) $(ARGS)

.PHONY: check
check: setup ## Lint, formatting, types, import directions
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

.PHONY: format
format: setup ## Format the code and fix what the linter can fix
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

.PHONY: serving-setup
serving-setup: setup ## Make .venv-serving, the model server's own environment
	@scripts/serving.sh

.PHONY: serve
serve: serving-setup ## Serve the current release on this machine, REST and gRPC (ARGS='--set serving.http_port=9000' ...)
	@.venv/bin/flightline serve $(if $(CONFIG),--config $(CONFIG)) $(ARGS)

.PHONY: lock
lock: setup ## Compile requirements.in into requirements.lock, for every supported Python
	@$(COMPILE) --no-build-isolation requirements.in -o requirements.lock

.PHONY: clean
clean: ## Remove what runs and checks made; the environment and the data stay
	@rm -rf workspace build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Flightline: every command sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
ARGS :=
IN_TWO := --numprocesses 2 --dist loadscope --no-loadscope-reorder
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes

.PHONY: help
help: ## List the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv from requirements.lock (the others do it by themselves)
	@scripts/setup.sh

.PHONY: data
data: setup ## Make the flights data, twelve monthly spans
	@$(PYTHON) data/flights.py

.PHONY: data-track
data-track: data ## Track the data with DVC: data/flights.dvc names what is there now (FILES='data/flights data/mine')
	@$(PYTHON) -m scripts.dvc add $(or $(FILES),data/flights)

.PHONY: data-push
data-push: setup ## Push tracked data to DVC's remote: .cache/dvc-remote, unless .dvc/config names another
	@$(PYTHON) -m scripts.dvc push $(ARGS)

.PHONY: data-pull
data-pull: setup ## Pull the data that the commit which is checked out names
	@$(PYTHON) -m scripts.dvc pull $(ARGS)

.PHONY: run
run: data ## Run the whole training pipeline on a year of flights (ARGS='--set train.epochs=4' ...)
	@$(PYTHON) runner_local.py $(ARGS)

.PHONY: test
test: setup ## Run the test suite (ARGS='-k gate' ...)
	@$(PYTHON) -m pytest $(IN_TWO) $(ARGS)

.PHONY: test-slow
test-slow: setup ## Run what `make test` leaves out: tests that take long and are seldom broken alone
	@$(PYTHON) -m pytest $(IN_TWO) -m slow $(ARGS)

.PHONY: flink-setup
flink-setup: setup ## Fetch Flink and Beam's job server for it, into .cache/engines
	@$(PYTHON) -m scripts.flink setup

.PHONY: flink
flink: data ## Run the whole training pipeline on a local Flink cluster: one JobManager, two TaskManagers
	@$(PYTHON) -m scripts.flink run $(ARGS)

.PHONY: test-flink
test-flink: flink-setup ## Test the pipeline on Flink against the local engine; one TaskManager is killed
	@$(PYTHON) -m pytest tests/flink $(ARGS)

.PHONY: spark-setup
spark-setup: setup ## Fetch Spark and Beam's job server for it, into .cache/engines
	@$(PYTHON) -m scripts.spark setup

.PHONY: spark
spark: data ## Run the whole training pipeline on a local Spark cluster: one master, two workers
	@$(PYTHON) -m scripts.spark run $(ARGS)

.PHONY: test-spark
test-spark: spark-setup ## Test the pipeline on Spark against the local engine
	@$(PYTHON) -m pytest tests/spark $(ARGS)

.PHONY: mariadb-setup
mariadb-setup: setup ## Unpack MariaDB from Debian's packages into .cache/engines
	@$(PYTHON) -m scripts.mariadb setup

.PHONY: mariadb
mariadb: mariadb-setup ## Keep a MariaDB on this machine's loopback until Ctrl-C, and say how to use it
	@$(PYTHON) -m scripts.mariadb server

.PHONY: test-mariadb
test-mariadb: mariadb-setup ## Test with a real MariaDB as metadata store: two pipelines at once, a server that dies
	@$(PYTHON) -m pytest tests/mariadb $(ARGS)

.PHONY: test-kill
test-kill: setup ## Kill fifty runs at random moments, go on with each, compare with one that nobody killed
	@KILLS=50 $(PYTHON) -m pytest tests/e2e/test_kill_and_resume.py -s -q $(ARGS)

.PHONY: next-setup
next-setup: setup ## Build a Debian 13 root with TFX 1.21's stack into .cache/next (as root)
	@$(PYTHON) -m scripts.next setup

.PHONY: test-next
test-next: next-setup ## Test on TFX 1.21's stack: the suite, `make run`, both stacks compared (ARGS=--end-to-end)
	@$(PYTHON) -m scripts.next test $(ARGS)

.PHONY: dvc-setup
dvc-setup: setup ## Make DVC's own environment, .cache/dvc, from scripts/dvc.txt
	@$(PYTHON) -m scripts.dvc setup

.PHONY: test-dvc
test-dvc: dvc-setup ## Test with DVC itself: pointers, pushing, pulling, a run's data after they moved on
	@$(PYTHON) -m pytest tests/dvc $(ARGS)

.PHONY: docs-setup
docs-setup: setup ## Make the documentation's environment, .cache/docs, from scripts/docs.txt
	@$(PYTHON) -m scripts.docs setup

.PHONY: docs
docs: docs-setup ## Write the documentation as a site that needs no network: build/docs/site/index.html
	@$(PYTHON) -m scripts.docs build

.PHONY: test-docs
test-docs: docs-setup ## Test the documentation: links, nothing fetched, search from the disk, the tutorial done again
	@$(PYTHON) -m pytest tests/docs $(ARGS)

.PHONY: audit-setup
audit-setup: setup ## Make the environment of pip-audit and of CycloneDX's validator, .cache/audit
	@$(PYTHON) -m scripts.audit setup

.PHONY: audit
audit: setup ## Hold every package of the locks against the advisories; what is known is in scripts/audit-known.yaml
	@$(PYTHON) -m scripts.audit

.PHONY: test-audit
test-audit: audit-setup ## Test with CycloneDX's own validator and with pip-audit itself
	@$(PYTHON) -m pytest tests/audit $(ARGS)

.PHONY: notebook
notebook: setup ## Open the notebooks in JupyterLab
	@.venv/bin/jupyter lab --ServerApp.root_dir=. notebooks/inspect_run.ipynb $(ARGS)

.PHONY: mlflow-ui
mlflow-ui: setup ## Show the runs in MLflow, at http://127.0.0.1:5000
	@$(PYTHON) -m scripts.mlflow_ui $(ARGS)

.PHONY: serving-setup
serving-setup: setup ## Make .venv-serving, the model server's own environment, from flightline/serving/requirements.lock
	@scripts/serving.sh

.PHONY: serve
serve: serving-setup ## Serve the current release on this machine, REST and gRPC (ARGS='--set serving.http_port=9000' ...)
	@.venv/bin/flightline serve $(ARGS)

.PHONY: loop
loop: serving-setup data ## Replay the year: serve, log, label, monitor, alert, retrain, promote or refuse, roll back (minutes)
	@$(PYTHON) -m scripts.loop $(ARGS)

.PHONY: test-serving
test-serving: serving-setup ## Test the server: contract, no skew, prediction log, hot swap under load, canary
	@$(PYTHON) -m pytest tests/serving $(ARGS)

.PHONY: check
check: setup ## Lint, format, types, import directions
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

.PHONY: bench
bench: setup ## Bare script, stock TFX and Flightline on the same rows (COPIES=10: ten years, Flightline alone)
	@$(PYTHON) benchmarks/bench.py $(if $(COPIES),--copies $(COPIES))

.PHONY: bench-spans
bench-spans: setup ## What a new span costs against the window that it moves
	@$(PYTHON) benchmarks/bench_spans.py

.PHONY: bench-quality
bench-quality: setup ## The default model beside scikit-learn's, on 28 tables and the flights (ARGS='--seeds 5' ...)
	@$(PYTHON) benchmarks/quality.py $(ARGS)

.PHONY: bench-serving
bench-serving: serving-setup data ## The endpoint beside a bare MLServer and a call in process; needs a release (`make run`)
	@$(PYTHON) benchmarks/bench_serving.py $(ARGS)

.PHONY: format
format: setup ## Format the code and mend what lint can mend
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

.PHONY: lock
lock: setup ## Compile requirements.in into requirements.lock, for both TFX lines
	@$(COMPILE) requirements.in -o requirements.lock
	@$(COMPILE) --constraints requirements.lock scripts/mlflow-ui.in -o scripts/mlflow-ui.txt
	@$(COMPILE) scripts/dvc.in -o scripts/dvc.txt
	@$(COMPILE) scripts/docs.in -o scripts/docs.txt
	@$(COMPILE) scripts/quality.in -o scripts/quality.txt
	@$(COMPILE) scripts/audit.in -o scripts/audit.txt

.PHONY: serving-lock
serving-lock: setup ## Compile flightline/serving/requirements.in into its lock
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes flightline/serving/requirements.in -o flightline/serving/requirements.lock

.PHONY: clean
clean: ## Remove what runs and checks made; the environment and the data stay
	@rm -rf workspace build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Commands for the development of Flightline itself, in addition to those in the Makefile.
# The longest tests first, in two processes, so that both end together.
PYTEST_OPTIONS = --numprocesses 2 --dist loadscope --no-loadscope-reorder

.PHONY: data-track
data-track: data ## Track the data with DVC: data/flights.dvc then names the present content (FILES='data/flights data/mine')
	@$(PYTHON) -m scripts.dvc add $(or $(FILES),data/flights)

.PHONY: data-push
data-push: setup ## Push tracked data to the DVC remote: .cache/dvc-remote, unless .dvc/config names another
	@$(PYTHON) -m scripts.dvc push $(ARGS)

.PHONY: data-pull
data-pull: setup ## Pull the data that the checked-out commit refers to
	@$(PYTHON) -m scripts.dvc pull $(ARGS)

.PHONY: test-slow
test-slow: setup ## Run the slow tests, which `make test` skips
	@$(PYTHON) -m pytest $(PYTEST_OPTIONS) -m slow $(ARGS)

.PHONY: flink-setup
flink-setup: setup ## Download Flink and its Beam job server into .cache/engines
	@$(PYTHON) -m scripts.flink setup

.PHONY: flink
flink: data ## Run the whole training pipeline on a local Flink cluster: one JobManager, two TaskManagers
	@$(PYTHON) -m scripts.flink run $(ARGS)

.PHONY: test-flink
test-flink: flink-setup ## Compare a run on Flink with one on the local engine; one TaskManager is killed
	@$(PYTHON) -m pytest tests/flink $(ARGS)

.PHONY: spark-setup
spark-setup: setup ## Download Spark and its Beam job server into .cache/engines
	@$(PYTHON) -m scripts.spark setup

.PHONY: spark
spark: data ## Run the whole training pipeline on a local Spark cluster: one master, two workers
	@$(PYTHON) -m scripts.spark run $(ARGS)

.PHONY: test-spark
test-spark: spark-setup ## Compare a run on Spark with one on the local engine
	@$(PYTHON) -m pytest tests/spark $(ARGS)

.PHONY: mariadb-setup
mariadb-setup: setup ## Unpack MariaDB from Debian's packages into .cache/engines
	@$(PYTHON) -m scripts.mariadb setup

.PHONY: mariadb
mariadb: mariadb-setup ## Run a MariaDB server on this machine until Ctrl-C, and print how to use it
	@$(PYTHON) -m scripts.mariadb server

.PHONY: test-mariadb
test-mariadb: mariadb-setup ## Test with MariaDB as the metadata store: two pipelines at once, a server that dies
	@$(PYTHON) -m pytest tests/mariadb $(ARGS)

.PHONY: test-kill
test-kill: setup ## Kill fifty runs at random moments, resume each, compare the result with an uninterrupted run
	@KILLS=50 $(PYTHON) -m pytest tests/e2e/test_kill_and_resume.py -s -q $(ARGS)

.PHONY: tfx121-setup
tfx121-setup: setup ## Build a Debian 13 root with TFX 1.21 into .cache/tfx121 (as root)
	@$(PYTHON) -m scripts.tfx121 setup

.PHONY: test-tfx121
test-tfx121: tfx121-setup ## Test with TFX 1.21: the suite, `make run`, results of both TFX versions compared (ARGS=--end-to-end: no suite)
	@$(PYTHON) -m scripts.tfx121 test $(ARGS)

.PHONY: dvc-setup
dvc-setup: setup ## Make the environment of DVC, .cache/dvc, from scripts/dvc.txt
	@$(PYTHON) -m scripts.dvc setup

.PHONY: test-dvc
test-dvc: dvc-setup ## Test with DVC itself: pointers, pushing, pulling, an old run's data after newer data arrived
	@$(PYTHON) -m pytest tests/dvc $(ARGS)

.PHONY: docs-setup
docs-setup: setup ## Make the environment of the documentation, .cache/docs, from scripts/docs.txt
	@$(PYTHON) -m scripts.docs setup

.PHONY: docs
docs: docs-setup ## Build the documentation as a site that works offline: build/docs/site/index.html
	@$(PYTHON) -m scripts.docs build

.PHONY: test-docs
test-docs: docs-setup ## Test the documentation: links, offline search, every command of the tutorial
	@$(PYTHON) -m pytest tests/docs $(ARGS)

.PHONY: audit-setup
audit-setup: setup ## Make the environment of pip-audit and of the CycloneDX validator, .cache/audit
	@$(PYTHON) -m scripts.audit setup

.PHONY: audit
audit: setup ## Check every locked package for known vulnerabilities; scripts/audit-known.yaml lists the accepted ones
	@$(PYTHON) -m scripts.audit

.PHONY: test-audit
test-audit: audit-setup ## Test with the CycloneDX validator and with pip-audit itself
	@$(PYTHON) -m pytest tests/audit $(ARGS)

.PHONY: notebook
notebook: setup ## Open the notebooks in JupyterLab
	@.venv/bin/jupyter lab --ServerApp.root_dir=. notebooks/inspect_run.ipynb $(ARGS)

.PHONY: mlflow-ui
mlflow-ui: setup ## Show the runs that MLflow recorded, at http://127.0.0.1:5000
	@$(PYTHON) -m scripts.mlflow_ui $(ARGS)

.PHONY: simulate
simulate: serving-setup data ## Replay the year: serve, log, label, monitor, alert, retrain, release or reject, roll back (minutes)
	@$(PYTHON) -m scripts.simulation $(ARGS)

.PHONY: test-serving
test-serving: serving-setup ## Test the server: contract, no training/serving skew, prediction log, swaps under load, canary
	@$(PYTHON) -m pytest tests/serving $(ARGS)

.PHONY: bench
bench: setup ## Time a bare script, stock TFX and Flightline on the same rows (COPIES=10: ten years, Flightline alone)
	@$(PYTHON) benchmarks/bench.py $(if $(COPIES),--copies $(COPIES))

.PHONY: bench-spans
bench-spans: setup ## Time a new span against the size of the window it joins
	@$(PYTHON) benchmarks/bench_spans.py

.PHONY: bench-quality
bench-quality: setup ## Compare the default model with scikit-learn's on public tables and the flights (ARGS='--seeds 5' ...)
	@$(PYTHON) benchmarks/quality.py $(ARGS)

.PHONY: bench-serving
bench-serving: serving-setup data ## Time the server, a bare MLServer and a call in process; needs a release (`make run`)
	@$(PYTHON) benchmarks/bench_serving.py $(ARGS)

.PHONY: wheel
wheel: setup ## Build the library's wheel and sdist: dist/flightline-VERSION-py3-none-any.whl
	@$(PYTHON) -m build --no-isolation --outdir dist flightline

.PHONY: tool-locks
tool-locks: lock ## Compile the locks of the tools' own environments, scripts/*.in
	@$(COMPILE) --constraints requirements.lock scripts/mlflow-ui.in -o scripts/mlflow-ui.txt
	@$(COMPILE) scripts/dvc.in -o scripts/dvc.txt
	@$(COMPILE) scripts/docs.in -o scripts/docs.txt
	@$(COMPILE) scripts/quality.in -o scripts/quality.txt
	@$(COMPILE) scripts/audit.in -o scripts/audit.txt

.PHONY: serving-lock
serving-lock: setup ## Compile flightline/serving/requirements.in into its lock
	@$(COMPILE) flightline/serving/requirements.in -o flightline/serving/requirements.lock

# Two commands: `make lab` opens the lessons, `make test` runs the tests. Both first build the environment
# in .venv, once; `make help` lists the rest. Another interpreter: make lab PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# An environment does not survive being moved, so the stamp carries a checksum of the folder's path.
STAMP := $(VENV)/ready-$(shell pwd -P | cksum | cut -d' ' -f1)
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# One thread a process: small networks run many times slower on several, and tests run side by side.
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=120 --nbval-kernel-startup-timeout=120
PARALLEL := -n 2 --dist loadfile
NOTEBOOKS := $(wildcard notebooks/*.ipynb notebooks/further/*.ipynb)
PROVED = $(NOTEBOOKS:notebooks/%=build/lessons/%) # the same lessons with their proofs in them
test check bench colab hostile proofs: export OMP_NUM_THREADS := 1
test check bench colab hostile proofs: export COURSE_BUDGET := quick

.DEFAULT_GOAL := help
.PHONY: help lab test check style format lock bench colab hostile proofs clean

help: ## List the commands.
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

WORK := work
lab: $(STAMP) ## Open JupyterLab on copies of the lessons in work/, which git does not see.
	@$(BIN)/python -m course lessons --to $(WORK)
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/$(WORK)/00_welcome.ipynb --LabApp.news_url=None $(AS_ROOT)

test: $(STAMP) ## Run the unit tests, then every lesson with its proofs, the quick way.
	$(BIN)/python -m pytest -m "not slow and not browser and not hostile" $(PARALLEL) tests
	$(BIN)/python tests/prove.py
	$(BIN)/python -m pytest $(NBVAL) $(PARALLEL) $(PROVED)

check: style test ## Run what CI runs: style, tests, filled lessons, wheel, browser.
	$(BIN)/python -m pytest -m slow $(PARALLEL) tests
	$(BIN)/python -m pytest -m browser tests

style: $(STAMP) ## Lint code and lessons; change nothing.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --verify --keep-id --extra-keys metadata.language_info $(NOTEBOOKS)
	$(BIN)/python tools/stamp.py --check

format: $(STAMP) ## Repair what `style` complains about, as far as a machine can.
	$(BIN)/python tools/stamp.py
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout --keep-id --extra-keys metadata.language_info $(NOTEBOOKS)

lock: $(STAMP) ## Rewrite requirements.lock with the newest versions that fit.
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --upgrade --quiet \
		--no-header --no-annotate --no-emit-index-url --output-file requirements.lock pyproject.toml

bench: $(STAMP) ## Measure what the lessons cost here, side by side.
	$(BIN)/python benchmarks/bench.py

# What is said must hold on other seeds, threads and processors, or say "in this run": what fails here is to be looked at.
PROOFS := shift-1 shift-2 shift-3 threads-2
proofs: NBVAL += --nbval-cell-timeout=600
proofs: $(STAMP) ## Run every lesson with its proofs on other seeds, on two threads, and on a plainer processor.
	for kind in $(PROOFS); do $(BIN)/python tests/prove.py --$${kind%-*} $${kind#*-} || exit; done
	$(BIN)/python tests/prove.py
	status=0; for kind in $(PROOFS); do echo "== $$kind"; \
		case $$kind in threads-*) side=;; *) side="$(PARALLEL)";; esac; \
		$(BIN)/python -m pytest $(NBVAL) $$side build/$$kind || status=1; done; \
	echo "== a plainer processor"; \
	ATEN_CPU_CAPABILITY=default $(BIN)/python -m pytest $(NBVAL) $(PARALLEL) $(PROVED) || status=1; exit $$status

hostile: $(STAMP) ## Run every lesson on a pretended GPU and a pretended MPS, and where all odds are against it.
	$(BIN)/python -m pytest -m "hostile or slow" $(PARALLEL:loadfile=load) tests/test_hostile.py

# Colab has Python 3.13: taken where there is one that runs (pyenv has names without), else the line below says which.
COLAB := build/colab
COLAB_PYTHON = $(or $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null),$(PYTHON))
colab: $(STAMP) ## Run every lesson with its proofs under the package versions of Colab (tools/colab.txt).
	@echo "Python 3.13 is that of Colab; this is $$($(COLAB_PYTHON) --version)."
	$(BIN)/uv venv --quiet --clear --python $(COLAB_PYTHON) $(COLAB)
	$(BIN)/uv pip install --quiet --python $(COLAB)/bin/python --constraint tools/colab.txt --editable . nbval pytest-xdist
	$(BIN)/python tests/prove.py
	$(COLAB)/bin/python -m pytest $(NBVAL) $(PARALLEL) $(PROVED)

clean: ## Remove the environment and everything that was built.
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache

# No stamp means no environment, or one that was cut off while it was filled: start over (uv keeps what it downloaded).
# A stamp older than the lock file means: bring the environment up to date in place. That may fail without a network;
# the environment is then as it was, and so is the stamp, only older.
OUTDATED = { touch -t 200001010000 $@; false; }
$(STAMP): requirements.lock pyproject.toml $(BIN)/python
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("The course needs Python 3.11 or newer; \
	$(PYTHON) is %d.%d. Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" % sys.version_info[:2])'
	@if ! [ -e $@ ] || ! $(BIN)/python -c ''; then set -e; \
		echo "Building the environment in $(VENV) with $(PYTHON): this happens once."; \
		$(PYTHON) -m venv --clear --without-pip $(VENV); \
		$(PYTHON) -m pip install --quiet --target $(VENV)/uv uv; \
		ln -s ../uv/bin/uv $(BIN)/uv; fi
	@rm -f $@
	@$(BIN)/uv pip install --python $(BIN)/python -r requirements.lock || $(OUTDATED)
	@$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable . || $(OUTDATED)
	@touch $@

# Missing also when the interpreter it links to is gone; the rule above then starts over.
$(BIN)/python: ;

# make study   the demo study, from nothing to the report
# make test    formatting, lint, types, unit tests, workflow tests
# make test-all   beyond that: each environment alone, and the study on a real SLURM, where there is one
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin

.PHONY: study raw test test-all environments cluster install clean

study: raw
	$(BIN)/snakemake --cores $(CORES)
	@echo "The report is at $(CURDIR)/results/report/index.html"

raw: install
	$(BIN)/radparity demo
	$(BIN)/radparity sweep

install: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "radparity needs Python 3.11 or newer; name it: make study PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --progress-bar on -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

test: install
	tests/run

# Side by side: the cluster mostly waits.
test-all: raw
	$(MAKE) --jobs 2 --output-sync environments cluster

environments cluster:
	$(BIN)/python -m pytest -q -rs tests/$@

clean:
	rm -rf results .radparity data .snakemake

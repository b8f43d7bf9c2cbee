# make demo is for everyone; the rest is for working on the code. CONTRIBUTING.md tells more.
# PYTHON=/path/to/python3.12 names an interpreter; the others are found on PATH.

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench tensorboard clean

LAUNCHER := sh bin/with-python -m launcher
VENV := .venv/bin
DATA := $(or $(DATA_DIR),var)
BENCHMARKS := demo real_photos outage reading throughput latency memory growth learning new_category \
              certainty suspicious novelty gate ablation similar reviewing seed_recipe desk gpu

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

install:  ## .venv with what runs, exactly pinned
	@$(LAUNCHER) install

demo:  ## the whole site on this machine; PORT, HOST, DATA_DIR, PHOTOS=folder, REDIS_URL
	@$(LAUNCHER) demo

test:  ## every test there is; python -m tests --help for parts
	@$(LAUNCHER) install --dev
	@$(VENV)/python -m tests

lint:  ## ruff, mypy, import-linter, migrations, deployment checks
	@$(LAUNCHER) install --dev
	@sh bin/lint

bench:  ## rivals and ours on the same photos; ARGS="--quick"
	@$(LAUNCHER) install --dev
	@for name in $(BENCHMARKS); do $(VENV)/python -m benchmarks.$$name $(ARGS) || failed="$$failed $$name"; \
	done; if [ "$$failed" ]; then echo "Not measured:$$failed" >&2; exit 1; fi

tensorboard:  ## the training logs of all runs, on http://localhost:6006/
	@$(LAUNCHER) install
	@$(VENV)/tensorboard --logdir "$(or $(RUNS_DIR),$(DATA)/runs)" --port $(or $(PORT),6006)

clean:  ## caches and .venv; data under var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache staticfiles test-results
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

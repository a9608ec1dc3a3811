# Each target is a plain command or two. README says what they are on Windows.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-all quick lint constraints bench phantom train clean

demo: .venv/.runtime
	$(BIN)/python app.py

# Two at a time, a file each: half the tests wait for a browser. One thread each: more would wait for one another. In the
# order of folders, so that the files in tests/browser follow each other and share a browser and servers.
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: lint
	$(TEST) -m "not slow"

# The others: what installs, trains in stages, takes long clips or many people at once.
test-all: .venv/.dev
	$(TEST) -m slow

quick: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -m "not browser and not slow" --ignore=tests/training

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# What the pinned packages bring along, in its newest versions. Then make test.
constraints: .venv/bin/python
	$(BIN)/python .ci/constraints.py

bench: .venv/.dev
	$(BIN)/python -m benchmarks

phantom: .venv/.dev
	$(BIN)/python -m training.phantom --out corpus/phantom --minutes 60 --speakers 10 --seed 0 --workers 2

train: .venv/.dev
	$(BIN)/python -m training.preprocess --data_dir corpus/phantom --out_dir corpus/dataset
	$(BIN)/python -m training.acoustic data_dir=corpus/dataset

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.txt constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -r requirements.txt -c constraints.txt
	@touch $@

.venv/.dev: requirements.txt requirements-train.txt requirements-formats.txt requirements-restore.txt requirements-dev.txt constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -r requirements-dev.txt -c constraints.txt
	@touch $@ .venv/.runtime

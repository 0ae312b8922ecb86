# make demo   the whole pipeline, offline, on drawings that tools/synthetic.py makes; leaves demo/
# make test   the same set-up plus the test packages, then ruff and pytest
# make reproduction   the runs of docs/reproduction.md (hours to days): FILES=files OUT=reproduction;
#                     its tables replace those in docs/results/
# make reproduction-smoke   the same recipe at toy scale, offline; leaves reproduction-smoke/
# All but clean first install the pinned packages into .venv, with a Python 3.9 to 3.13:
# PYTHON=...   the interpreter; without it python3 if it is one of these, else the newest of them
# VENV=...     another place than .venv
# GPU=1        TensorFlow with NVIDIA's libraries (untested)

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PYTHONS := $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.10 python3.9)
# Prints the version of a supported Python, and nothing for others.
VERSION := 'import sys; v = sys.version_info[:2]; print("%d.%d" % v if (3, 9) <= v <= (3, 13) else "")'

FILES := files
OUT := reproduction

.PHONY: demo test reproduction reproduction-smoke clean

# Small runs need small batches and a low momentum: batch normalisation's moving statistics settle in
# about 4/(1 - momentum) steps, and this run has 30 to 90.
DEMO := --data demo --checkpoints demo --results demo/results.csv
SMALL := --batch-size 16 --batch-norm-momentum 0.85

demo: $(VENV)/installed
	rm -rf demo
	$(PY) -m tools.synthetic --out demo
	$(PY) create_dataset.py --files demo/files --categories demo/categories.txt --out demo \
	    --classes 12 --train 40 --test 20 --size 96
	$(PY) train.py $(DEMO) --net n1 --epochs 1 3 $(SMALL)
	$(PY) train.py $(DEMO) --net n2 --epochs 1 1.5 $(SMALL)
	$(PY) load.py $(DEMO)
	$(PY) mAP.py $(DEMO) --k 19 all
	$(PY) search.py --data demo --checkpoint demo/checkpoints_n1_batch16_momentum0.85_3e \
	    --examples random --out demo/search.png
	$(PY) plots.py --results demo/results.csv --out demo/figures
	@echo 'Reached (chance is 0.083), from demo/results.csv:'
	@awk -F, '$$9 == "accuracy" { printf "  %s: %s accuracy %.3f\n", $$1, $$8, $$14 } \
	    $$10 == "standard" { printf "  %s: mAP@%s %.3f\n", $$1, $$13, $$14 }' demo/results.csv
	@echo 'Figures 3 to 7: demo/figures/; what some queries find: demo/search.png'
	@echo 'Draw and find: $(PY) draw.py --data demo \
	    --checkpoint demo/checkpoints_n1_batch16_momentum0.85_3e'

reproduction: $(VENV)/installed
	PY=$(PY) bash tools/reproduce.sh "$(FILES)" "$(OUT)" $(ONLY)

reproduction-smoke: $(VENV)/installed
	rm -rf reproduction-smoke
	$(PY) -m tools.synthetic --out reproduction-smoke --drawings 20
	SMOKE=1 PY=$(PY) bash tools/reproduce.sh reproduction-smoke/files reproduction-smoke $(ONLY)

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m pytest -n auto --dist worksteal

clean:
	rm -rf $(VENV) demo reproduction-smoke

# An environment that fits is kept: pip then installs what differs.
$(VENV)/installed: requirements.txt requirements-gpu.txt
	@version() { "$$1" -c $(VERSION) 2>/dev/null; }; \
	has=$$(version $(PY)); \
	if [ -n "$$has" ] && [ "$$has" = "$$(version $(if $(PYTHON),"$(PYTHON)",$(PY)))" ]; then exit; fi; \
	for python in $(PYTHONS); do \
	    if [ -n "$$(version "$$python")" ] && "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	        "$$python" -m venv --clear $(VENV); exit; \
	    fi; \
	done; \
	echo 'make: Python 3.9 to 3.13 with venv is needed. Install one (for example python3 and' \
	    'python3-venv) or name it: make PYTHON=/path/to/it' >&2; \
	exit 2
	$(BIN)/pip install -q -r requirements.txt --disable-pip-version-check
ifdef GPU
	$(BIN)/pip uninstall -q -y tensorflow-cpu
	$(BIN)/pip install -q -r requirements-gpu.txt --disable-pip-version-check
endif
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install -q -r requirements-dev.txt --disable-pip-version-check
	@touch $@

# make demo   the whole pipeline, offline, on drawings that tools/synthetic.py makes; leaves demo/
# make test   the same set-up plus the test packages, then ruff and pytest
# make reproduction   the runs of docs/reproduction.md (hours): FILES=files OUT=reproduction
# All but clean first make .venv with Python 3.9 to 3.11; PYTHON=... chooses the interpreter.

BIN := .venv/bin
PY := $(BIN)/python
SUITABLE := 'import ensurepip, sys, venv; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))'

FILES := files
OUT := reproduction

.PHONY: demo test reproduction clean

# Small runs need small batches and a low momentum: batch normalisation's moving statistics settle in
# about 4/(1 - momentum) steps, and this run has 30 to 90.
DEMO := --data demo --checkpoints demo --results demo/results.csv
SMALL := --batch-size 16 --batch-norm-momentum 0.85

demo: .venv/installed
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

reproduction: .venv/installed
	PY=$(PY) bash tools/reproduce.sh $(FILES) $(OUT)

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m pytest -n auto

clean:
	rm -rf .venv demo

.venv/installed: requirements.txt
	@for python in "$(PYTHON)" python3.11 python3.10 python3.9 python3; do \
	    if "$$python" -c $(SUITABLE) 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo 'make: TensorFlow 2.15 needs Python 3.9, 3.10 or 3.11 with venv. Install one (for example' \
	        'python3.11 and python3.11-venv) or name it: make PYTHON=/path/to/it' >&2; \
	    exit 2; \
	fi; \
	"$$found" -m venv --clear .venv
	$(BIN)/pip install -q -r requirements.txt --disable-pip-version-check
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/pip install -q -r requirements-dev.txt --disable-pip-version-check
	@touch $@

# make demo   the whole pipeline, offline, on drawings that sample.py makes; leaves demo/
# make test   the same set-up plus the test packages, then ruff and pytest
# make reproduction   the runs of docs/reproduction.md (hours); FILES has the .bin files
# All make .venv with Python 3.9 to 3.11 first; PYTHON=... chooses the interpreter.

BIN := .venv/bin
PY := $(BIN)/python
SUITABLE := 'import ensurepip, sys, venv; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))'

.PHONY: demo test reproduction clean

# Small runs need small batches and a quick momentum: batch normalisation's moving statistics take
# some 4/(1 - momentum) steps to settle, and this one has 90.
DEMO := --data demo --checkpoints demo --results demo/results.csv
SMALL := --batch-size 16 --batch-norm-momentum 0.9

demo: .venv/installed
	rm -rf demo
	$(PY) sample.py --out demo
	$(PY) create_dataset.py --files demo/files --categories demo/categories.txt --out demo \
	    --classes 12 --train 40 --test 20 --size 96
	$(PY) train.py $(DEMO) --net n1 --epochs 1 3 $(SMALL)
	$(PY) train.py $(DEMO) --net n2 --epochs 1 1.5 $(SMALL)
	$(PY) load.py $(DEMO)
	$(PY) mAP.py $(DEMO) --k 19 all
	$(PY) search.py --data demo --checkpoint demo/checkpoints_n1_batch16_momentum0.9_3e \
	    --gallery random --out demo/gallery.png
	$(PY) plots.py --results demo/results.csv --out demo/figures
	@echo 'Reached (chance is 0.083), from demo/results.csv:'
	@awk -F, '$$9 == "accuracy" { printf "  %s: %s accuracy %.3f\n", $$1, $$8, $$14 } \
	    $$10 == "standard" { printf "  %s: mAP@%s %.3f\n", $$1, $$13, $$14 }' demo/results.csv
	@echo 'Figures 3 to 7: demo/figures/; answers to some queries: demo/gallery.png'

FILES := files
OUT := reproduction
REPRO = --data $(OUT) --checkpoints $(OUT)
TABLE = --results $(OUT)/results.csv
CATEGORIES := airplane "alarm clock" ambulance ant apple backpack basket bicycle butterfly cactus \
    calculator camera campfire candle cat "coffee cup" computer crab crayon dragon duck eye face \
    guitar headphones "ice cream" map monkey "paint can" paintbrush pig pineapple suitcase television
EPOCHS := 0 0.25 0.5 1 2 3 4 5 6 7 8 9 10
# Question 3 is answered on the first ten ("alarm clock" is two words to make).
SIDES := 128 256
TEN := $(wordlist 1,11,$(CATEGORIES))
# Questions 4 and 5: what is changed, one at a time.
CHANGE = --data $(OUT) --checkpoints $(OUT)/changes
CHANGE_TABLE = --results $(OUT)/changes.csv
CHANGES := \
    "--net n1 --augment" \
    "--net n1 --learning-rate-decay 0.7" \
    "--loss triplet" \
    "--loss triplet-and-cross-entropy" \
    "--net n1 --loss triplet --seed 1" \
    "--net n1 --loss triplet-and-cross-entropy --seed 1"

# What is there already is kept: an interrupted run goes on.
reproduction: .venv/installed
	$(PY) create_dataset.py --files $(FILES) --out $(OUT) --categories-only $(CATEGORIES) \
	    --classes 20 --train 200 --test 50
	$(PY) train.py $(REPRO) $(TABLE) --epochs $(EPOCHS) --batch-size 32 --measure test
	for seed in 2 3 4; do \
	    $(PY) train.py $(REPRO) $(TABLE) --epochs 0 --batch-size 32 --measure test --seed $$seed \
	        || exit; \
	done
	$(PY) train.py $(REPRO) $(TABLE) --epochs $(EPOCHS) --batch-size 32 --measure test --seed 1
	for epochs in 1 2 5 10; do \
	    $(PY) load.py --data $(OUT) $(TABLE) $(OUT)/checkpoints_n[12]_batch32_$${epochs}e \
	        $(OUT)/checkpoints_n[12]_batch32_seed1_$${epochs}e || exit; \
	done
	$(PY) reestimate.py $(REPRO)
	$(PY) load.py --data $(OUT) $(TABLE) --measure test $(OUT)/checkpoints_*_reestimated_*e
	$(PY) mAP.py $(REPRO) $(TABLE) --k 49 all --distance both --rerank \
	    --report $(OUT)/reports
	for change in $(CHANGES); do \
	    $(PY) train.py $(CHANGE) $(CHANGE_TABLE) --epochs 5 --batch-size 32 \
	        --measure test $$change || exit; \
	done
	$(PY) reestimate.py $(CHANGE)
	$(PY) load.py --data $(OUT) $(CHANGE_TABLE) --measure test \
	    $(OUT)/changes/checkpoints_*_reestimated_*e
	$(PY) mAP.py $(CHANGE) $(CHANGE_TABLE) --k 49 all --distance both --rerank
	for side in $(SIDES); do \
	    folder=$(OUT)/$$side; \
	    place="--data $$folder --checkpoints $$folder --results $(OUT)/sizes.csv"; \
	    $(PY) create_dataset.py --files $(FILES) --out $$folder --categories-only $(TEN) \
	        --classes 10 --train 100 --test 50 --size $$side && \
	    $(PY) train.py $$place --net n1 --epochs 5 --batch-size 16 && \
	    $(PY) reestimate.py --data $$folder --checkpoints $$folder && \
	    $(PY) mAP.py $$place --k 49 all --distance both || exit; \
	done
	$(PY) plots.py $(TABLE) --out $(OUT)/figures
	$(PY) architecture.py --out $(OUT)/figures

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
	    echo 'make: no Python 3.9, 3.10 or 3.11 with venv, which TensorFlow 2.15 needs: install' \
	        'one (python3.11 and python3.11-venv, say) or name it: make PYTHON=/path/to/it' >&2; \
	    exit 2; \
	fi; \
	"$$found" -m venv --clear .venv
	$(BIN)/pip install -q -r requirements.txt --disable-pip-version-check
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/pip install -q -r requirements-dev.txt --disable-pip-version-check
	@touch $@

# Every target sets up .venv first where it is missing or older than the pinned versions.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python

# The CUDA of PyTorch's build: what .venv holds, cu130 where there is none; cu126 is for older drivers and GPUs and needs
# the address of PyTorch's index for it.
HELD        := $(or $(shell cat $(VENV)/.cuda 2>/dev/null),cu130)
CUDA        ?= $(HELD)
TORCH_INDEX ?=
PINS        := $(if $(filter cu126,$(CUDA)),constraints-cu126.txt,constraints.txt)
PACKAGES    := CUDA="$(CUDA)" TORCH_INDEX="$(TORCH_INDEX)" slurm/packages.sh

# What a study is and where it goes; every target that trains or reports takes these.
STUDY   ?= jobs/studies/skip.yaml
RESULTS ?= results
DATA    ?=
SEEDS   ?=
CACHE   ?=
DEVICE  ?=
VERIFY  ?=
TARGET  ?=
FORCE   ?=

# How a study is submitted.
PROFILE     ?= slurm
DRY_RUN     ?=
ALLOW_DIRTY ?=
WATCH       ?=
CAUSE       ?=
MINUTES     ?=
JSON        ?=
PAGE        ?=
STATE       ?=
VARIANT     ?=
SEED        ?=
FOLLOW      ?=
SELECTED     = $(if $(STATE),--state "$(STATE)") $(if $(VARIANT),--variant "$(VARIANT)") $(if $(SEEDS),--seeds "$(SEEDS)")
CLUSTER     := $(PYTHON) slurm/testcluster/cluster.py

# The image: its tag, and what it is built on where that is not the Dockerfile's choice.
IMAGE      ?= alexnet-study
BASE_IMAGE ?=
export IMAGE BASE_IMAGE PYTHON

.PHONY: another-cuda docs help setup gpu-check demo check study reference bench report test image sif sqsh submit status logs cancel retry cluster-up cluster-down
# What runs under a scheduler runs in processes of its own, which the count does not see: tests/slurm holds that.
NOT_COUNTED := alexnet_study/cluster/*
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# Another CUDA takes a new .venv: the libraries of both would lie in one.
$(VENV)/.ready: $(PINS) pyproject.toml $(if $(filter-out $(HELD),$(CUDA)),another-cuda)
	@$(PACKAGES) pins >/dev/null
	$(PYTHON) -m venv $(if $(filter-out $(HELD),$(CUDA)),--clear) $(VENV)
	@echo "$(CUDA)" >$(VENV)/.cuda
	$(PACKAGES) install $(RUN) --quiet --editable '.[dev]'
	@touch $@

setup: $(VENV)/.ready ## make .venv and install the pinned versions; then make gpu-check, where there is a GPU [CUDA=cu126 TORCH_INDEX=…]

gpu-check: $(VENV)/.ready ## half a minute that tells whether the GPU works as it must: here, or on a node [PROFILE=…] [DRY_RUN=1]
	@$(RUN) -m jobs.gpu_check --results "$(RESULTS)" \
	    $(if $(filter command environment,$(firstword $(origin PROFILE))),--profile "$(PROFILE)") \
	    $(if $(filter-out 0,$(DRY_RUN)),--dry-run) $(if $(filter-out 0,$(ALLOW_DIRTY)),--allow-dirty)

demo: $(VENV)/.ready ## the whole study in minutes, offline, on handwritten digits
	$(RUN) -m jobs.study --study jobs/studies/demo.yaml --results "$(RESULTS)" $(if $(CACHE),--cache "$(CACHE)")

check: $(VENV)/.ready ## STUDY and DATA looked at before anything is trained: classes, claims, runs, time and disk [DATA=…] [SEEDS=…] [DEVICE=cuda] [VERIFY=1]
	@$(RUN) -m jobs.check --study "$(STUDY)" --results "$(RESULTS)" $(if $(DATA),--data "$(DATA)") \
	    $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(CACHE),--cache "$(CACHE)") $(if $(DEVICE),--device "$(DEVICE)") \
	    $(if $(filter-out 0,$(VERIFY)),--verify)

study: $(VENV)/.ready ## all runs of STUDY here, then its report [DATA=…] [SEEDS=…] [RESULTS=…] [CACHE=…] [DEVICE=cuda] [VERIFY=1]
	$(RUN) -m jobs.study --study "$(STUDY)" --results "$(RESULTS)" $(if $(DATA),--data "$(DATA)") \
	    $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(CACHE),--cache "$(CACHE)") $(if $(DEVICE),--device "$(DEVICE)") \
	    $(if $(filter-out 0,$(VERIFY)),--verify)

report: $(VENV)/.ready ## tables, figures and page of STUDY from the finished runs [RESULTS=…] [TARGET=…]
	$(RUN) -m jobs.report --study "$(STUDY)" --results "$(RESULTS)" $(if $(TARGET),--target "$(TARGET)")

submit: $(VENV)/.ready ## STUDY's unfinished runs as SLURM jobs, one GPU each [PROFILE=…] [DRY_RUN=1] [ALLOW_DIRTY=1] [DATA=…] [SEEDS=…] [VERIFY=1]
	@$(RUN) -m jobs.submit --study "$(STUDY)" --results "$(RESULTS)" --profile "$(PROFILE)" $(if $(DATA),--data "$(DATA)") \
	    $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(CACHE),--cache "$(CACHE)") \
	    $(if $(filter-out 0,$(DRY_RUN)),--dry-run) $(if $(filter-out 0,$(ALLOW_DIRTY)),--allow-dirty) \
	    $(if $(filter-out 0,$(VERIFY)),--verify)

status: $(VENV)/.ready ## where each run of STUDY is, and why what failed did [STATE=…] [VARIANT=…] [SEEDS=…] [WATCH=1] [JSON=1] [PAGE=1]
	@$(RUN) -m jobs.status --study "$(STUDY)" --results "$(RESULTS)" $(SELECTED) \
	    $(if $(filter-out 0,$(WATCH)),--watch) $(if $(filter-out 0,$(JSON)),--json) $(if $(filter-out 0,$(PAGE)),--page)

logs: $(VENV)/.ready ## what one run wrote in its newest job VARIANT=… SEED=… [FOLLOW=1]
	@$(RUN) -m jobs.logs --study "$(STUDY)" --results "$(RESULTS)" --variant "$(VARIANT)" --seed "$(SEED)" \
	    $(if $(filter-out 0,$(FOLLOW)),--follow)

cancel: $(VENV)/.ready ## cancel STUDY's jobs; its runs keep their checkpoints [STATE=…] [VARIANT=…] [SEEDS=…]
	@$(RUN) -m jobs.cancel --study "$(STUDY)" --results "$(RESULTS)" $(SELECTED)

retry: $(VENV)/.ready ## submit again what failed, and release held jobs [STATE=…] [VARIANT=…] [SEEDS=…] [CAUSE=…] [MINUTES=…] [PROFILE=…] [ALLOW_DIRTY=1]
	@$(RUN) -m jobs.retry --study "$(STUDY)" --results "$(RESULTS)" $(SELECTED) \
	    $(if $(CAUSE),--cause "$(CAUSE)") \
	    $(if $(MINUTES),--minutes "$(MINUTES)") \
	    $(if $(filter command environment,$(firstword $(origin PROFILE))),--profile "$(PROFILE)") \
	    $(if $(filter-out 0,$(ALLOW_DIRTY)),--allow-dirty)

image: ## the CUDA image, by Docker [IMAGE=tag] [BASE_IMAGE=…] [CUDA=cu126 TORCH_INDEX=…]
	@CUDA="$(CUDA)" TORCH_INDEX="$(TORCH_INDEX)" slurm/image.sh build

sif: ## the image for Apptainer, alexnet-study.sif, made once for each image
	@slurm/image.sh sif

sqsh: ## the image for Enroot and Pyxis, alexnet-study.sqsh, likewise
	@slurm/image.sh sqsh

cluster-up: ## a real SLURM on this machine, to try it: prints the export line that clients and make need
	@$(CLUSTER) up

cluster-down: ## stop what cluster-up started
	@$(CLUSTER) down

reference: $(VENV)/.ready ## STUDY's finished runs of RESULTS without arrays, and their report, to results/reference, to commit [FORCE=1]
	$(RUN) -m jobs.reference --study "$(STUDY)" --results "$(RESULTS)" $(if $(filter-out 0,$(FORCE)),--force)

docs: $(VENV)/.ready ## the documents as a site that opens from disk and asks for nothing from elsewhere: site/index.html
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet
	@echo site/index.html

bench: $(VENV)/.ready ## speed against the peers and the limit: a table, and RESULTS/bench/<device>.json [DATA=…]
	$(RUN) -m benchmarks.run --results "$(RESULTS)" $(if $(DATA),--data "$(DATA)")

test: $(VENV)/.ready ## lint, types and all tests that this machine can run
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --python-version 3.13 # the newest Python that is supported
	$(VENV)/bin/pytest --cov --cov-report=
	$(VENV)/bin/coverage report --skip-covered --show-missing --fail-under=90 --omit='$(NOT_COUNTED)'

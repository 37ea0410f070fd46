# One run in a container: docker run --gpus all … alexnet-study --study jobs/studies/skip.yaml --variant skip --seed 0
# `make image` builds it, with BuildKit. CUDA comes with PyTorch's wheels; the GPU's driver is the host's.
ARG BASE_IMAGE=python:3.11-slim-bookworm
# The build of PyTorch, by its CUDA: cu130, or cu126 for older drivers and GPUs.
ARG CUDA=cu130

# The requirements alone, so that other changes of pyproject.toml leave the layer of packages as it is.
FROM ${BASE_IMAGE} AS requirements
COPY pyproject.toml /
RUN python3 -c "import tomllib; print(*tomllib.load(open('/pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
    > /requirements.txt

# NVIDIA's tools refuse a node whose driver is older than the oldest that runs this CUDA: 580 is 13.0's, and 525, which is
# 12.0's, runs any 12.x (NVIDIA, "CUDA Compatibility", minor version compatibility).
FROM ${BASE_IMAGE} AS cu130
ENV NVIDIA_REQUIRE_CUDA="cuda>=13.0"
FROM ${BASE_IMAGE} AS cu126
ENV NVIDIA_REQUIRE_CUDA="cuda>=12.0"

FROM ${CUDA}
# Without these two, Enroot's hook (Pyxis) and Docker's NVIDIA runtime hand a container no GPU.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ARG CUDA
# The address of PyTorch's own index, for cu126.
ARG TORCH_INDEX=
# The building machine's package settings and certificates, if it has any, are mounted for this step alone.
RUN --mount=type=secret,id=pip --mount=type=secret,id=certificates \
    --mount=from=requirements,source=/requirements.txt,target=/tmp/requirements.txt \
    --mount=source=constraints.txt,target=/tmp/packages/constraints.txt \
    --mount=source=constraints-cu126.txt,target=/tmp/packages/constraints-cu126.txt \
    --mount=source=slurm/packages.sh,target=/tmp/packages/slurm/packages.sh \
    if [ -s /run/secrets/pip ]; then export PIP_CONFIG_FILE=/run/secrets/pip; fi \
    && if [ -s /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi \
    && python3 -m venv /opt/venv \
    && export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    && sh /tmp/packages/slurm/packages.sh install /opt/venv/bin/python --requirement /tmp/requirements.txt \
    && echo /workspace > "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/workspace.pth"

# Any --user will do: what caches there are go to /tmp, and nobody needs a line in /etc/passwd. A login shell, as Enroot
# starts one, takes its PATH from /etc/profile.
RUN useradd --create-home --uid 1000 study && install --directory --mode=1777 /workspace/results /workspace/data \
    && echo 'PATH=/opt/venv/bin:$PATH' > /etc/profile.d/alexnet-study.sh
ENV HOME=/tmp LOGNAME=study MPLBACKEND=agg
WORKDIR /workspace
COPY constraints.txt constraints-cu126.txt pyproject.toml LICENSE ./
COPY slurm/profiles slurm/profiles
COPY jobs jobs
COPY alexnet_study alexnet_study
RUN chmod -R a+rX . && python -m compileall -q alexnet_study jobs
USER study

ARG VERSION=unknown
ARG COMMIT=unknown
ARG DIRTY=
ARG CONSTRAINTS=
LABEL org.opencontainers.image.title="alexnet-study" org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" org.opencontainers.image.licenses="MIT" \
      alexnet-study.dirty="${DIRTY}" alexnet-study.constraints="${CONSTRAINTS}" alexnet-study.cuda="${CUDA}"
ENV ALEXNET_STUDY_COMMIT="${COMMIT}" ALEXNET_STUDY_DIRTY="${DIRTY}" ALEXNET_STUDY_CONSTRAINTS="${CONSTRAINTS}"
ENTRYPOINT ["python", "-m", "alexnet_study", "train"]

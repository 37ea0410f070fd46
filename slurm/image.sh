#!/usr/bin/env bash
# The image, and its conversions for clusters: slurm/image.sh build|sif|sqsh, as make image, make sif and make sqsh.
# IMAGE: its tag. BASE_IMAGE: what it is built on, instead of the Dockerfile's. BUILD_PIP_CONFIG: package settings for
# the build, else pip's usual file; its certificates are PIP_CERT or SSL_CERT_FILE; none of them gets into the image.
# BUILD_NETWORK: "host" where an index or a proxy listens on this machine only. CUDA and TORCH_INDEX: packages.sh tells;
# the address is seen in the image's history, so one with a password belongs into the package settings.
# PYTHON: else python3; it needs no packages.
set -euo pipefail
cd "$(dirname "$0")/.."
IMAGE=${IMAGE:-alexnet-study}
CUDA=${CUDA:-cu130}
PYTHON=${PYTHON:-python3}

refuse() {
  echo "error: $*" >&2
  exit 2
}

need() { # COMMAND PURPOSE
  command -v "$1" >/dev/null || refuse "$2 needs $1, which is not on the PATH; expected a machine with $1"
}

first_file() {
  for path in "$@"; do
    if [ -f "$path" ]; then
      echo "$path"
      return
    fi
  done
}

build() {
  need docker "make image"
  need "$PYTHON" "make image"
  "$PYTHON" -c "import tomllib" 2>/dev/null || refuse "$PYTHON is not valid; expected Python 3.11 or newer: PYTHON=…"
  local state line settings certificates pins secrets=() arguments=()
  pins=$(CUDA=$CUDA slurm/packages.sh pins)
  export ALEXNET_STUDY_CONSTRAINTS
  ALEXNET_STUDY_CONSTRAINTS=$(sha256sum "$pins" | cut -d' ' -f1)
  state=$(PYTHONPATH=. "$PYTHON" -m alexnet_study.provenance) # VERSION=…, COMMIT=…, DIRTY=…, CONSTRAINTS=…
  while read -r line; do arguments+=(--build-arg "$line"); done <<<"$state"
  settings=$(first_file "${BUILD_PIP_CONFIG:-}" "${PIP_CONFIG_FILE:-}" "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf" /etc/pip.conf)
  certificates=$(first_file "${PIP_CERT:-}" "${SSL_CERT_FILE:-}")
  [ -z "$settings" ] || secrets+=(--secret "id=pip,src=$settings")
  [ -z "$certificates" ] || secrets+=(--secret "id=certificates,src=$certificates")
  DOCKER_BUILDKIT=1 docker build --network="${BUILD_NETWORK:-default}" --tag "$IMAGE" ${BASE_IMAGE:+--build-arg "BASE_IMAGE=$BASE_IMAGE"} \
    "${arguments[@]}" --build-arg "CUDA=$CUDA" --build-arg "TORCH_INDEX=${TORCH_INDEX:-}" \
    ${secrets[@]+"${secrets[@]}"} .
  mkdir -p results data # else Docker makes them, as root, when it mounts them
}

convert() { # FILE COMMAND…: the file is made once for each image, whose id lies beside it
  local file=$1 id
  shift
  need docker "make ${file##*.}"
  need "$1" "make ${file##*.}"
  id=$(docker image inspect --format '{{.Id}}' "$IMAGE" 2>/dev/null) || refuse "no image $IMAGE; expected it from make image"
  if [ -f "$file" ] && [ "$(cat "$file.id" 2>/dev/null)" = "$id" ]; then
    echo "$file is of image $IMAGE already"
    return
  fi
  rm -f "$file" "$file.id" "$file.part"
  "$@"
  mv "$file.part" "$file"
  echo "$id" >"$file.id"
}

name=$(basename "${IMAGE%%:*}")
tagged=$IMAGE
[[ "$tagged" == *:* ]] || tagged+=:latest
case "${1:-}" in
  build) build ;;
  sif) convert "$name.sif" apptainer build "$name.sif.part" "docker-daemon://$tagged" ;;
  sqsh) convert "$name.sqsh" enroot import --output "$name.sqsh.part" "dockerd://$tagged" ;;
  *) refuse "slurm/image.sh: ${1:-nothing} is not valid; expected build, sif or sqsh" ;;
esac

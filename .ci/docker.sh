# Sourced by .ci/run: a Docker daemon, a base image and package settings for the tests of the image.

# start_docker FOLDER: a daemon, unless one answers. The client beside it comes first on the PATH; others may lack BuildKit.
start_docker() {
  ln -sf "$(dirname "$(command -v dockerd)")/../bin/docker" "$1/docker"
  export PATH="$1:$PATH"
  docker info >/dev/null 2>&1 && return
  dockerd --storage-driver=overlay2 --iptables=false --bridge=none >"$1/dockerd.log" 2>&1 &
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && return
    sleep 1
  done
  tail -n 5 "$1/dockerd.log" >&2
  return 1
}

# base_image FOLDER: BASE_IMAGE, made here once where the Dockerfile's can't be pulled.
base_image() {
  docker pull -q "$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)" >/dev/null 2>&1 && return
  export BASE_IMAGE=alexnet-study-base:bookworm
  docker image inspect "$BASE_IMAGE" >/dev/null 2>&1 && return
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$1/base" >"$1/debootstrap.log"
  tar -C "$1/base" -c . | docker import - "$BASE_IMAGE" >/dev/null
  rm -r "$1/base"
}

# package_settings FOLDER: pip's own for builds, which run on this machine's network but don't see its files.
package_settings() {
  export BUILD_NETWORK=host
  python3 .ci/pip_for_docker.py "$1/pip.conf" >"$1/served" &
  for _ in $(seq 60); do
    [ -s "$1/served" ] && break
    sleep 0.5
  done
  export BUILD_PIP_CONFIG=$1/pip.conf
}

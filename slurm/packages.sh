#!/bin/sh
# The pinned packages, with the build of PyTorch that CUDA names: cu130 (what the usual index has) or cu126.
#   packages.sh pins                      prints the file of pins
#   packages.sh install PYTHON WORDS…     installs by them; WORDS are pip install's
# TORCH_INDEX: the address of PyTorch's own index for cu126, which the usual one lacks; it is asked for torch and
# torchvision alone. No address is fixed here.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
CUDA=${CUDA:-cu130}

refuse() {
  echo "error: $*" >&2
  exit 2
}

pins() {
  case "$CUDA" in
    cu130) echo "$root/constraints.txt" ;;
    cu126)
      [ -n "${TORCH_INDEX:-}" ] ||
        refuse "CUDA=cu126 needs TORCH_INDEX=…; expected the address of PyTorch's index for cu126, as pytorch.org/get-started shows it"
      echo "$root/constraints-cu126.txt"
      ;;
    *) refuse "CUDA=$CUDA is not valid; expected cu130 or cu126" ;;
  esac
}

install() { # PYTHON WORDS…
  python=$1
  shift
  file=$(pins)
  if [ "$CUDA" != cu130 ]; then
    PIP_INDEX_URL=$TORCH_INDEX "$python" -m pip install --quiet --no-deps --constraint "$file" torch torchvision
  fi
  "$python" -m pip install --constraint "$file" "$@"
}

command=${1:-nothing}
[ $# = 0 ] || shift
case "$command" in
  pins) pins ;;
  install) install "$@" ;;
  *) refuse "slurm/packages.sh: $command is not valid; expected pins or install" ;;
esac

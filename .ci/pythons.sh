# The other Pythons that pyproject.toml allows, where this machine has them: the pinned versions are installed, but for
# PyTorch's 5 GB; then whatever works without PyTorch is carried out. To be sourced.

other_python() { # VERSION: its program, as on the PATH or as pyenv keeps it
  if "python$1" -c "" 2>/dev/null; then
    command -v "python$1"
  else
    ls -d "$HOME/.pyenv/versions/$1".*/bin/python 2>/dev/null
  fi
}

check_python() { # PROGRAM FOLDER
  local commands command
  "$1" -m venv "$2"
  "$1" -c "import tomllib
for each in tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']:
    print('' if each.startswith('torch') else each)" >"$2/requirements.txt"
  "$2/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --constraint constraints.txt \
    --requirement "$2/requirements.txt"
  cp -r pyproject.toml setup.py LICENSE alexnet_study jobs benchmarks slurm "$2" # a build leaves nothing in the checkout
  "$2/bin/pip" install --quiet --disable-pip-version-check --no-deps "$2"
  "$2/bin/python" -W error -m compileall -q -f "$2/alexnet_study" "$2/jobs" "$2/benchmarks"
  commands=$(basename -s .py jobs/[a-z]*.py | tr _ -)
  for command in $commands; do
    (cd "$2" && bin/alexnet-study "$command" --help >/dev/null)
  done
  mkdir "$2/empty"
  (cd "$2/empty" && "$2/bin/alexnet-study" submit --study demo --dry-run >/dev/null)
}

check_other_pythons() { # FOLDER
  local version program
  for version in 3.12 3.13; do
    program=$(other_python "$version" | tail -n 1) || true
    if [ -z "$program" ]; then
      echo "not checked on Python $version: it is not on this machine"
      continue
    fi
    check_python "$program" "$1/$version"
    echo "Python $version: what works without PyTorch works"
  done
}

# shellcheck shell=bash
# Sourced by scripts/demo and scripts/test: a virtual environment with this project in it.
#
#   prepare_environment [EXTRA]      "$environment/bin" then holds asr, and the tools of the extra
#
# The first start installs what is missing, the next ones compare a fingerprint and go on.
# PYTHON names the interpreter to make it with, where the one that is found is not the one that is wanted.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
environment=$root/.venv
program=${0##*/}

say() { printf '%s: %s\n' "$program" "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

prepare_environment() {
  local extra=${1:-}
  if is_ready "$extra"; then return; fi
  exec 9< "$root"
  if command -v flock > /dev/null; then flock 9; fi # two first starts at once: the second waits
  if ! is_ready "$extra"; then install_project "$extra"; fi
  exec 9<&-
}

# --- is the environment up to date? ---

is_ready() { [[ -s $(stamp "$1") && $(cat "$(stamp "$1")") == "$(fingerprint 2> /dev/null)" ]]; }

stamp() { printf '%s' "$environment/installed${1:+-$1}"; }

# What an installation depends on: the dependencies, the interpreter, and where the project lies.
fingerprint() { { "$environment/bin/python" -VV && cat "$root/pyproject.toml" "$root"/decoder/native/* && echo "$root"; } | sha256sum; }

install_project() {
  local extra=$1
  log=$(mktemp -t "$program.XXXXXX")
  if ! is_supported "$environment/bin/python" || ! "$environment/bin/python" -m pip --version &> /dev/null; then
    make_environment
  fi
  say "installing asr-app${extra:+ and what its ${extra}s need} into .venv; the first time takes minutes"
  pip_install -e "$root${extra:+[$extra]}"
  fingerprint > "$(stamp)"
  if [[ $extra ]]; then fingerprint > "$(stamp "$extra")"; fi
  rm -f "$log"
  say "ready after $SECONDS s"
}

make_environment() {
  local python
  python=$(find_python) || { install_python && python=$(find_python); } ||
    fail "needs Python 3.11 or 3.12: install one with its venv and dev packages (or: uv python install 3.12)," \
      "then start again; PYTHON=/path/to/python names it where it is not on the PATH"
  install_packages "$(missing_packages "$python")"
  say "making .venv with $("$python" -V)"
  logged "$python" -m venv --clear "$environment"
}

# --- Python ---

find_python() {
  local candidate candidates=(python3 python3.12 python3.11)
  if [[ ${PYTHON:-} ]]; then candidates=("$PYTHON"); fi
  for candidate in "${candidates[@]}"; do
    if is_supported "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

is_supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' &> /dev/null; }

install_python() {
  local version
  if [[ ${PYTHON:-} ]] || ! may_install; then return 1; fi
  apt_get update &> /dev/null || true
  for version in 3.12 3.11; do
    if apt-cache show "python$version" &> /dev/null; then
      install_packages "python$version python$version-venv python$version-dev"
      return
    fi
  done
  return 1
}

# --- system packages ---

# Debian's names of what is missing: kenlm is compiled while it is installed, with a cmake that pip brings.
missing_packages() {
  local python=$1 version
  version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
  if ! command -v g++ > /dev/null || ! command -v make > /dev/null; then echo build-essential; fi
  if ! "$python" -c 'import ensurepip, venv' &> /dev/null; then echo "$version-venv"; fi
  if [[ ! -e $("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h ]]; then
    echo "$version-dev"
  fi
}

install_packages() {
  local packages
  read -r -d '' -a packages <<< "$1" || true
  if [[ ${#packages[@]} -eq 0 ]]; then return; fi
  may_install || fail "needs ${packages[*]}: sudo apt-get install ${packages[*]}, then start again"
  say "installing ${packages[*]} with apt-get"
  logged apt_install "${packages[@]}"
}

# A program of the same name as its package, which is good to have, and packages that it needs beside it: where they
# cannot be had, work goes on.
want_program() {
  if command -v "$1" > /dev/null; then return; fi
  if ! may_install || ! apt_install "$@" &> /dev/null; then say "goes on without $*"; fi
}

may_install() {
  command -v apt-get > /dev/null || return 1
  [[ $(id -u) == 0 ]] || sudo -n true &> /dev/null
}

# A fresh machine has no lists of packages yet; on others fetching them is only needed after a failure.
apt_install() {
  apt_get install --yes --no-install-recommends "$@" ||
    { apt_get update && apt_get install --yes --no-install-recommends "$@"; }
}

apt_get() {
  local sudo=(sudo -n)
  if [[ $(id -u) == 0 ]]; then sudo=(); fi
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
}

# --- long commands: their last line in place on a terminal, all of it only after a failure ---

pip_install() {
  logged "$environment/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@"
}

logged() {
  if ! "$@" < /dev/null 2>&1 | tee "$log" | show_last_line; then
    tail -n 20 "$log" >&2
    fail "this failed: $* (all it said: $log); docs/troubleshooting.md may know why"
  fi
}

show_last_line() {
  local line
  if [[ ! -t 2 ]]; then
    cat > /dev/null
    return
  fi
  while IFS= read -r line; do printf '\r\033[K%.78s' "$line" >&2; done
  printf '\r\033[K' >&2
}

"""Makes the virtual environments this project works in, and prints the interpreter of the one asked for.

    python3 .ci/environment.py checkout      .venv: the project itself (editable) with its development tools
    python3 .ci/environment.py oracle        TensorFlow, for tests/interop
    python3 .ci/environment.py sonnet        Sonnet without TensorFlow, for calque to stand in, for tests/interop
    python3 .ci/environment.py peers         other runtimes, for benchmarks/
    python3 .ci/environment.py tests 3.12    what the suite needs on another Python, newest versions
    python3 .ci/environment.py oldest 3.10   the same, in the lowest versions that pyproject.toml allows
    python3 .ci/environment.py pythons       no environment: lists the Pythons found, oldest first

All but .venv stand in the user's cache folder and serve every checkout. An environment is left alone while
its stamp matches what it should hold, so asking again costs nothing. Standard library only, and no syntax
newer than Python 3.6: this has to start before anything else is there.
"""

import contextlib
import fcntl
import glob
import hashlib
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "calque")
OLDEST = (3, 10)
KINDS = ("checkout", "oracle", "sonnet", "peers", "tests", "oldest", "pythons")
NAMES = ["python3.13", "python3.12", "python3.11", "python3.10", "python3"]  # in order of preference
PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"


def find_pythons():
    """Every supported Python as {version: path}, the preferred one first.

    Each candidate is run, not only looked up: a shim on PATH can stand for a version that is not active, and
    some systems ship Python without venv.
    """
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    found = {}
    installed = sorted(glob.glob(os.path.join(pyenv, "versions", "*", "bin", "python3")))
    for candidate in [*NAMES, sys.executable, *installed]:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            answer = subprocess.check_output([candidate, "-I", "-c", PROBE], stderr=subprocess.DEVNULL)
            version, path = answer.decode().strip().split(" ", 1)
            if parse(version) >= OLDEST:
                found.setdefault(version, path)
    if not found:
        sys.exit("needs Python 3.10 or newer, with its venv module (on Debian: apt install python3-venv)")
    return found


def parse(version):
    """Turns "3.12" into (3, 12)."""
    return tuple(int(part) for part in version.split("."))


def requirements(name):
    """The strings of one list in pyproject.toml (there is no TOML reader before Python 3.11)."""
    project = read(os.path.join(ROOT, "pyproject.toml"))
    body = re.search(rf"^{name} = \[\n(.*?)^\]", project, re.MULTILINE | re.DOTALL).group(1)
    return re.findall(r'^ +"(.+)",', body, re.MULTILINE)


def lowest(requirement):
    """Turns "numpy>=1.26" into "numpy==1.26.*"."""
    return re.sub(r">=([\d.]+)$", r"==\1.*", requirement)


def make(directory, version, arguments, state=None):
    """Brings an environment up to date and returns its interpreter.

    Args:
        directory: where it stands.
        version: the Python to make it with if it is not there yet; None stands for the preferred one.
        arguments: what pip shall install.
        state: anything whose change means that pip has to run again.
    """
    interpreter = os.path.join(directory, "bin", "python")
    stamp = os.path.join(directory, "calque-stamp")
    wanted = hashlib.sha256(repr((arguments, state)).encode()).hexdigest()
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two checkouts may ask for one environment at the same time
        if runs(interpreter) and read(stamp) == wanted:
            return interpreter
        print("setting up " + directory, file=sys.stderr, flush=True)
        if not runs(interpreter):
            pythons = find_pythons()
            python = pythons[version] if version else next(iter(pythons.values()))
            subprocess.check_call([python, "-m", "venv", "--clear", directory], stdout=sys.stderr)
        pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.check_call([*pip, *arguments], stdout=sys.stderr, cwd=ROOT)
        with open(stamp, "w") as file:
            file.write(wanted)
    return interpreter


def runs(interpreter):
    """Whether there is an interpreter, with pip, that still starts."""
    try:
        return subprocess.call([interpreter, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def read(path):
    """A file's text, "" where there is none."""
    with contextlib.suppress(OSError), open(path) as file:
        return file.read()
    return ""


def main(kind, version=None):
    """Carries out one command of the usage above."""
    if kind == "pythons":
        print("\n".join(sorted(find_pythons(), key=parse)))
    elif kind == "checkout":
        # The root belongs to the state: a tree that was moved or copied must not import from where it was.
        state = (ROOT, read(os.path.join(ROOT, "pyproject.toml")))
        print(make(os.path.join(ROOT, ".venv"), None, ["--editable", ".[dev]"], state))
    elif kind == "oracle":
        print(make(os.path.join(CACHE, "tf"), None, requirements("oracle")))
    elif kind == "sonnet":
        print(
            make(os.path.join(CACHE, "sonnet"), None, requirements("dependencies") + requirements("sonnet"))
        )
    elif kind == "peers":
        print(make(os.path.join(CACHE, "peers"), None, requirements("peers")))
    else:
        needs = requirements("dependencies")
        if kind == "oldest":
            needs = [lowest(requirement) for requirement in needs]
        print(make(os.path.join(CACHE, kind + "-" + version), version, needs + requirements("test")))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit("failed: " + " ".join(error.cmd))

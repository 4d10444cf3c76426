# In a checkout this cell does nothing. Elsewhere (Colab, a bare kernel) it fetches the course, or says why it cannot.
import importlib.util
import os
import subprocess
import sys

SetupStopped = type("SetupStopped", (Exception,), {"_render_traceback_": lambda self: [f"Setup stopped: {self}"]})
spec = importlib.util.find_spec("course")
if spec is None or spec.origin is None:  # None also for a mere folder of that name, which the course then goes before
    source, folder = os.environ.get("COURSE_REPO", ""), os.path.abspath("noise-to-images")
    if not source:
        raise SetupStopped("no course here; set COURSE_REPO to its git address and rerun, or start with `make lab`")
    fetch = ["git", "clone", "--quiet", "--depth=1", source, folder]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--editable", folder]
    for command in [install] if os.path.isdir(folder) else [fetch, install]:
        try:
            done = subprocess.run(command, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", input="")
        except OSError as error:
            raise SetupStopped(f"{command[0]} cannot be run here ({error}); install it, and rerun this cell") from None
        if done.returncode:
            raise SetupStopped(f"`{' '.join(command)}` said: {' '.join(done.stderr.split())[-400:]}")
    sys.path.insert(0, folder)
    sys.modules.pop("course", None)
elif not os.path.isdir(os.path.join(os.path.dirname(spec.origin), "teaching")):
    raise SetupStopped(f"{spec.origin} is another `course`: rename it, restart the kernel, and rerun this cell")

import subprocess
import sys

PROGRAM = """
import inspect, sys, warnings
warnings.simplefilter("ignore")
from flightline.utils.lazy_import import LAZY_MODULE, lazy_load_vertex
lazy_load_vertex()
lazy_load_vertex()
from tfx import v1 as tfx
loaded = lambda: "google.cloud.aiplatform" in sys.modules
assert not loaded()
assert sys.modules[LAZY_MODULE].__spec__.name == LAZY_MODULE
assert not hasattr(sys.modules[LAZY_MODULE], "__no_such__") and inspect.getmodule(tfx) is tfx
assert not loaded(), "asking a module what it is must not load it"
trainer = tfx.extensions.google_cloud_ai_platform.Trainer
assert loaded() and trainer.__module__.startswith("tfx.extensions.google_cloud_ai_platform.trainer")
"""


def test_vertex_is_loaded_on_first_use():
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr

"""python -m serving SETTINGS.json | --release DIR"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is loaded

from serving.server import main

sys.exit(main())

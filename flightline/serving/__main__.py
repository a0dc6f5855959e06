"""python -m flightline.serving SETTINGS.json | --release DIR"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is loaded; its errors are raised, too

from flightline.serving.server import main

sys.exit(main())

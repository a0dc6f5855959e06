"""python -m flightline.serving SETTINGS.json | --release DIR"""

import os
import sys

os.environ.setdefault(
    "TF_CPP_MIN_LOG_LEVEL", "3"
)  # TensorFlow reads it when it is imported; its errors are raised as well

from flightline.serving.server import main

sys.exit(main())

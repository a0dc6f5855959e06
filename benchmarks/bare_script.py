"""A script without a pipeline, for comparison: pandas, Keras and scikit-learn in one file, no lineage, no gates.

    python bare_script.py CSV

Same rows, features, model, batch size and epochs as the stock pipeline. Its CPU seconds are the minimum that the
cost of a production pipeline is compared with.
"""

import json
import os
import resource
import sys
import time

START = time.time()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, roc_auc_score

FLOATS = [
    "dep_delay",
    "distance",
    "sched_dep_time",
    "sched_arr_time",
    "hour",
    "minute",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
    "plane_year",
    "seats",
]
VOCABS = ["carrier", "origin", "dest", "tailnum", "flight", "engine"]
BUCKETS = ["dep_delay", "sched_dep_time", "distance"]
INTS = {"month": 13, "day": 32}


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


marks = [("import", time.time() - START, cpu())]
rows = pd.read_csv(sys.argv[1])
split = np.random.RandomState(0).rand(len(rows)) < 2 / 3
x, sizes = {}, {}
for k in FLOATS:
    column = rows[k].fillna(0).to_numpy("float32")
    x[k] = ((column - column[split].mean()) / column[split].std()).reshape(-1, 1)
for k in VOCABS:
    column = rows[k].astype(str)
    vocabulary = {v: i for i, v in enumerate(column[split].value_counts().index[:5000])}
    x[f"{k}_id"] = column.map(vocabulary).fillna(5000).to_numpy("int64").reshape(-1, 1)
    sizes[f"{k}_id"] = 5010
wide = {}
for k in BUCKETS:
    column = rows[k].fillna(0).to_numpy()
    x[f"{k}_bk"] = np.digitize(column, np.quantile(column[split], np.linspace(0.1, 0.9, 9))).reshape(-1, 1)
    wide[f"{k}_bk"] = 10
for k, n in INTS.items():
    x[f"{k}_id"] = rows[k].to_numpy("int64").reshape(-1, 1)
    wide[f"{k}_id"] = n
y = rows["late"].to_numpy("float32")
marks.append(("prepare", time.time() - START, cpu()))

keras.utils.set_random_seed(0)
layers = keras.layers
inputs = {k: layers.Input((1,), name=k, dtype="float32" if k in FLOATS else "int64") for k in x}
deep = layers.concatenate(
    [inputs[k] for k in FLOATS] + [layers.Flatten()(layers.Embedding(n, 8)(inputs[k])) for k, n in sizes.items()]
)
for units in (64, 32):
    deep = layers.Dense(units, activation="relu")(deep)
crossed = layers.concatenate([layers.CategoryEncoding(num_tokens=n)(inputs[k]) for k, n in wide.items()])
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.concatenate([deep, crossed])))
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(1e-3))
model.fit({k: v[split] for k, v in x.items()}, y[split], batch_size=256, epochs=1, verbose=2)
marks.append(("train", time.time() - START, cpu()))

p = model.predict({k: v[~split] for k, v in x.items()}, batch_size=8192, verbose=0).ravel()
held, truth = rows[~split], y[~split]
report = {"auc": roc_auc_score(truth, p), "accuracy": accuracy_score(truth, p > 0.5)}
for k in ("origin", "carrier", "month"):
    for value, index in held.groupby(k).indices.items():
        if 0 < truth[index].mean() < 1:
            report[f"{k}={value}"] = roc_auc_score(truth[index], p[index])
model.export(f"{sys.argv[2]}/model", verbose=False) if len(sys.argv) > 2 else None
marks.append(("evaluate", time.time() - START, cpu()))
print(
    json.dumps(
        {
            "rows": len(rows),
            "auc": round(report["auc"], 4),
            "wall_s": round(marks[-1][1], 1),
            "cpu_s": round(marks[-1][2], 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            "marks": [(m, round(w, 1), round(c, 1)) for m, w, c in marks],
        }
    )
)

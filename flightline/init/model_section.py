"""Render the model and training settings, which depend on the size of the table.

They were chosen on the tables of benchmarks/quality.md.
"""

from __future__ import annotations

from flightline.init.profile import TableProfile

# A small table needs fewer weights and bins, more epochs, and early stopping on held-out rows.
_SMALL_TABLE_CONFIG = """\
  quantile_bins: {bins}               # numbers are split into that many equally filled bins
  min_count: 3                    # rows that a value needs to get its own weight

model:                            # small, because more weights would overfit {rows:,} rows
  trees: 150                      # boosted trees, blended with the network; held-out rows determine the weight
  projection: {units}
  cross_layers: {crosses}
  cross_rank: {rank}
  cross_order: {order}
  hidden: [{units}]

train:
  epochs: 30
  min_steps: 300                  # more epochs if these have fewer steps; early stopping limits them
  validation_share: 0.15          # of the training rows, held out for early stopping
  patience: 20
  learning_rate: 0.003
"""
_LARGE_TABLE_CONFIG = """
model:
  trees: {trees:<24} # boosted trees, blended with the network; held-out rows determine the weight. 0: none

train:
  epochs: {epochs}
  validation_share: 0.1           # of the training rows, held out to choose the best epoch
  patience: {epochs}
"""
_MIN_WIDE_TABLE_COLUMNS, _TINY_TABLE_ROWS = 100, 400
_MIN_ROWS_FOR_64_UNITS = 2_000
_MAX_ROWS_FOR_10_EPOCHS = 100_000  # with more, 3 epochs are enough
_MAX_ROWS_FOR_TREES = 500_000  # trees need all rows in memory


def render_model_section(profile: TableProfile) -> str:
    """The sections `model` and `train`, and for a small table the last keys of `features` before them."""
    if not profile.small:
        trees = 150 if profile.table.complete and profile.labelled <= _MAX_ROWS_FOR_TREES else 0
        return _LARGE_TABLE_CONFIG.format(trees=trees, epochs=10 if profile.labelled <= _MAX_ROWS_FOR_10_EPOCHS else 3)
    tiny = profile.labelled < _TINY_TABLE_ROWS
    minimal = tiny or len(profile.used) >= _MIN_WIDE_TABLE_COLUMNS
    shape = {"bins": 4, "order": 1} if minimal else {"bins": 8, "order": 2}
    units = {"units": 16, "crosses": 0, "rank": 8} if tiny else {"units": 32, "crosses": 1, "rank": 8}
    if profile.labelled >= _MIN_ROWS_FOR_64_UNITS and not minimal:
        units |= {"units": 64, "rank": 16}
    return _SMALL_TABLE_CONFIG.format(rows=profile.labelled, **shape, **units)

"""The model that a table gets, by how many rows and columns it has: one recipe, chosen on the tables of
benchmarks/quality.md."""

from __future__ import annotations

from flightline.init.profile import TableProfile

# A small table cannot feed a wide network: fewer weights, wider bins, more passes, an early stop on held-out rows.
_SMALL_TABLE_CONFIG = """\
  quantile_bins: {bins}               # each number is cut into so many equally filled bins; few rows fill few
  min_count: 3                    # rows that a value needs to get a weight of its own

model:                            # small, for {rows:,} rows: more weights would learn them by heart
  trees: 150                      # boosted trees beside the network; held-out rows set their share
  projection: {units}
  cross_layers: {crosses}
  cross_rank: {rank}
  cross_order: {order}
  hidden: [{units}]

train:
  epochs: 30
  min_steps: 300                  # more passes where that is few steps; the early stop ends them
  validation_share: 0.15          # held out of the training rows: when they no longer get better, training stops
  patience: 20
  learning_rate: 0.003
"""
_LARGE_TABLE_CONFIG = """
model:
  trees: {trees:<24} # boosted trees beside the network; held-out rows set their share. 0: none

train:
  epochs: {epochs}
  validation_share: 0.1           # held out of the training rows: the epoch is kept that did best on them
  patience: {epochs}
"""
_MIN_WIDE_TABLE_COLUMNS, _TINY_TABLE_ROWS = 100, 400
_MIN_ROWS_FOR_64_UNITS = 2_000  # rows that feed a network of 64 units
_MAX_ROWS_FOR_10_EPOCHS = 100_000  # of which a network has learnt after few passes
_MAX_ROWS_FOR_TREES = 500_000  # for a network alone; trees want all of them in memory


def render_model_section(profile: TableProfile) -> str:
    """The config's last keys of `features`, where the table is small, and its `model` and `train`."""
    if not profile.small:
        trees = 150 if profile.table.whole and profile.labelled <= _MAX_ROWS_FOR_TREES else 0
        return _LARGE_TABLE_CONFIG.format(trees=trees, epochs=10 if profile.labelled <= _MAX_ROWS_FOR_10_EPOCHS else 3)
    tiny = profile.labelled < _TINY_TABLE_ROWS
    least = tiny or len(profile.used) >= _MIN_WIDE_TABLE_COLUMNS
    shape = {"bins": 4, "order": 1} if least else {"bins": 8, "order": 2}
    units = {"units": 16, "crosses": 0, "rank": 8} if tiny else {"units": 32, "crosses": 1, "rank": 8}
    if profile.labelled >= _MIN_ROWS_FOR_64_UNITS and not least:
        units |= {"units": 64, "rank": 16}
    return _SMALL_TABLE_CONFIG.format(rows=profile.labelled, **shape, **units)

"""Evaluation without Beam: numpy fills the accumulators of TFMA's own combiners, TFMA does the rest.

The steps, one module each:

    job            what the executor was asked for, read as the stock executor reads it
    support        which of it is proven equal to stock; the rest raises UnsupportedEvaluationError
    models         a SavedModel scored on batches of serialized examples
    raw_features   the raw features that slices and labels need, parsed from those batches
    scoring        one pass over the data: label, prediction and slice values of every row
    slicing        the rows of every slice, keyed as TFMA keys them
    accumulators   the accumulator of a combiner for the rows of a slice
    rebinning      TFMA's histogram rebinning, vectorised, for as long as a computation lasts
    results        derived metrics, differences to the baseline, validation
    writing        the files of a ModelEvaluation
    engine         all of it, in order
"""

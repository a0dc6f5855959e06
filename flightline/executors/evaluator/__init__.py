"""Evaluation without Beam: numpy fills the accumulators of TFMA's own combiners, TFMA does the rest.

The steps, one module each:

    job               inputs and parameters, read as the stock executor reads them
    supported_config  what is supported; the rest raises UnsupportedEvaluationError
    scored_model      a SavedModel called on batches of serialized examples
    raw_features      the raw features that slices and labels need, parsed from those batches
    bins              numeric columns replaced by the names of their bins
    scoring           one pass over the data: label, prediction and slice values of every row
    slicing           the rows of every slice, keyed as TFMA keys them
    keras_row_values  the value of each row under Keras metrics
    accumulators      the accumulator of a combiner for the rows of a slice
    rebinning         TFMA's histogram rebinning, vectorised
    results           derived metrics, differences to the baseline, validation
    bootstrap         confidence intervals of the differences between two models
    comparison        those intervals, and the thresholds that they decide
    slice_gaps        the difference between the best and the worst slice
    result_writer     the files of a ModelEvaluation
    result_reader     the same files read back
    tfma_internals    all private names of TFMA that these modules use
    engine            an evaluation from job to results
"""

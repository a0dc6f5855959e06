"""The baselines: scikit-learn's boosting and linear models with default settings, and the metric of each task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from quality_tables import Table
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, roc_auc_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

METRIC_BY_TASK = {"binary": "AUC", "multiclass": "accuracy", "regression": "RMSE"}
_MAX_CATEGORIES = 255  # limit of HistGradientBoosting


def label_classes(table: Table, rows: pd.DataFrame) -> list[str]:
    """The label's values in order; of two, the second is the positive class."""
    return sorted(rows[table.label].astype(str).unique())


def predict_boosting(table: Table, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """HistGradientBoosting with its defaults; text columns are declared as categorical."""
    kind = HistGradientBoostingRegressor if table.task == "regression" else HistGradientBoostingClassifier
    model = kind(categorical_features="from_dtype", random_state=seed)
    frames = [_categories(frame.drop(columns=table.label), train) for frame in (train, test)]
    model.fit(frames[0], _labels(table, train))
    return _predict(table, model, frames[1])


def predict_linear(table: Table, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Logistic regression, or ridge: z-scores, missing numbers replaced by the median, categories one-hot encoded."""
    numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categorical = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=""), OneHotEncoder(handle_unknown="ignore", min_frequency=3)
    )
    columns = make_column_transformer(
        (numeric, make_column_selector(dtype_include="number")),
        (categorical, make_column_selector(dtype_exclude="number")),
    )
    last = (
        RidgeCV(np.logspace(-2, 4, 13))
        if table.task == "regression"
        else LogisticRegression(max_iter=3000, random_state=seed)
    )
    model = make_pipeline(columns, last)
    frames = [_as_text(frame.drop(columns=table.label)) for frame in (train, test)]
    model.fit(frames[0], _labels(table, train))
    return _predict(table, model, frames[1])


def compute_metric(table: Table, test: pd.DataFrame, predictions: np.ndarray) -> float:
    """The metric of `predictions`: probabilities of the second class, names of classes, or numeric values."""
    if table.task == "regression":
        return float(root_mean_squared_error(test[table.label], predictions))
    if table.task == "binary":
        return float(roc_auc_score(_labels(table, test), predictions))
    return float(accuracy_score(_labels(table, test), predictions))


def _labels(table: Table, rows: pd.DataFrame) -> np.ndarray:
    column = rows[table.label]
    return column.to_numpy(dtype=float) if table.task == "regression" else column.astype(str).to_numpy()


def _predict(table: Table, model: Any, rows: pd.DataFrame) -> np.ndarray:
    return model.predict_proba(rows)[:, 1] if table.task == "binary" else model.predict(rows)


def _as_text(rows: pd.DataFrame) -> pd.DataFrame:
    text = rows.select_dtypes(exclude="number").columns
    return rows.assign(**{name: rows[name].astype(object).where(rows[name].notna(), "").astype(str) for name in text})


def _categories(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    frame = rows.copy()
    for name in rows.select_dtypes(exclude="number").columns:
        known = train[name].astype(str).where(train[name].notna()).value_counts().index[: _MAX_CATEGORIES - 1]
        frame[name] = pd.Categorical(rows[name].astype(str).where(rows[name].notna()), categories=sorted(known))
    return frame

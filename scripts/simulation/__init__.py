"""The whole story on one machine: serve, log, labels, monitoring, alerts, retraining, rolling back; month by month."""

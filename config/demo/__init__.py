"""The demo: the portal with a sample cohort on this machine, run by `make demo`. Not for production."""

"""The demo: the portal with a sample cohort on this machine. Run by `make demo`; nothing here serves a real alliance."""

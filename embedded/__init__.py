"""The servers that developers and tests need, run from their own binaries without a system install."""

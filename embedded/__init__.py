"""The servers a developer or a test needs, run from their own binaries without a system install."""

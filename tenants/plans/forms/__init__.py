"""Forms of the workspace's pages. They validate input; services check again and save."""

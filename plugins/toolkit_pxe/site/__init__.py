"""The site file: what is described, what is wrong with it, and the resolved `Site`."""

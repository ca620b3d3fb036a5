"""nnbind against its peers, side by side in one run: `python -m bench` from the project's root."""

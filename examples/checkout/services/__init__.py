"""What the shop can do, in plain functions. Only their errors know of Tasker: each says whether a retry may help."""

"""Other systems at the same work, each in a virtual environment of its own under ``.build/peers``."""

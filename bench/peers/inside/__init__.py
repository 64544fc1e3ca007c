"""What runs in a peer's own environment, where Tasker isn't: a file per peer, and the play that all share."""

"""What is drawn: graphs, waterfalls and curves, as plain values whose places are worked out here, in pure Python."""

"""What nnbind costs besides time: import, size, memory, and a core that it must share."""

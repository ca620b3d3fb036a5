"""Predictions, of one sample and of a batch: from Python beside other libraries, and from C++."""

//! tidegate-python

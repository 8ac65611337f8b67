//! tidegate-c

//! tidegate-reference

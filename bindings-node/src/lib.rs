//! tidegate-node

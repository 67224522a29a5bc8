//! Folds the evidence of an image's layers into one inventory.

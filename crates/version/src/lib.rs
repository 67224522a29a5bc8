//! Version order and ranges, exactly as each package ecosystem defines them.

//! The flow of a scan, one file per step: resolve, plan, analyze, fold, judge.

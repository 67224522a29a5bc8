//! Verdicts for people and machines: table, JSON, CycloneDX, SARIF.

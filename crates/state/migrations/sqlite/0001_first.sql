-- Digests are 32 bytes, ids and states are text, lanes are 0 (backfill) to 2 (interactive), instants are milliseconds
-- since the epoch. next_at is when a row may be claimed: a claim moves it to the end of its lease.

CREATE TABLE scans (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    reference TEXT NOT NULL,
    idempotency_key TEXT,
    request TEXT NOT NULL,
    callback TEXT,
    lane INTEGER NOT NULL,
    state TEXT NOT NULL,
    deadline INTEGER,
    index_digest BLOB,
    source TEXT,
    status TEXT,
    failure TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    next_at INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX scans_idempotency ON scans (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX scans_waiting ON scans (lane, next_at) WHERE state = 'submitted';
CREATE INDEX scans_late ON scans (deadline) WHERE state = 'submitted' AND deadline IS NOT NULL;
CREATE INDEX scans_listed ON scans (tenant, id);
CREATE INDEX scans_by_state ON scans (tenant, state, id);
CREATE INDEX scans_by_reference ON scans (tenant, reference, id);
CREATE INDEX scans_ended ON scans (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE scan_labels (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    scan TEXT NOT NULL,
    PRIMARY KEY (tenant, key, value, scan)
) STRICT, WITHOUT ROWID;
CREATE INDEX scan_labels_by_scan ON scan_labels (scan);

-- What a manifest says does not change, so any number of scans share its rows.
CREATE TABLE images (
    tenant TEXT NOT NULL,
    manifest BLOB NOT NULL,
    config BLOB NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, manifest)
) STRICT, WITHOUT ROWID;

CREATE TABLE image_layers (
    tenant TEXT NOT NULL,
    manifest BLOB NOT NULL,
    position INTEGER NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    diff_id BLOB NOT NULL,
    readable INTEGER NOT NULL,
    PRIMARY KEY (tenant, manifest, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_layers_by_digest ON image_layers (tenant, digest, manifest);

CREATE TABLE targets (
    scan TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    manifest BLOB NOT NULL,
    platform TEXT NOT NULL,
    blind_spots TEXT NOT NULL,
    lane INTEGER NOT NULL,
    deadline INTEGER,
    waiting INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    failure TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    next_at INTEGER NOT NULL,
    PRIMARY KEY (scan, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX targets_ready ON targets (lane, next_at) WHERE waiting AND ready;
CREATE INDEX targets_late ON targets (deadline) WHERE waiting AND deadline IS NOT NULL;
CREATE INDEX targets_incomplete ON targets (scan, ordinal) WHERE waiting AND NOT ready;
CREATE INDEX targets_by_image ON targets (tenant, manifest);

CREATE TABLE layers (
    tenant TEXT NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    diff_id BLOB NOT NULL,
    lane INTEGER NOT NULL,
    state TEXT NOT NULL,
    verified_diff_id BLOB,
    uncompressed_size INTEGER,
    index_fingerprint BLOB,
    packages_fingerprint BLOB,
    verified_at TEXT,
    failure TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    published INTEGER NOT NULL DEFAULT 0,
    counted INTEGER NOT NULL DEFAULT -1,
    asked_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX layers_by_digest ON layers (digest);
CREATE INDEX layers_due ON layers (lane, asked_at, next_at) WHERE state = 'outstanding';
CREATE INDEX layers_troubled ON layers (tenant, digest) WHERE state IN ('failed', 'gone', 'quarantined');

CREATE TABLE layer_sources (
    tenant TEXT NOT NULL,
    digest BLOB NOT NULL,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    credential TEXT NOT NULL,
    plain_http INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    PRIMARY KEY (tenant, digest, registry, repository, credential, plain_http)
) STRICT, WITHOUT ROWID;

CREATE TABLE interests (
    tenant TEXT NOT NULL,
    digest BLOB NOT NULL,
    scan TEXT NOT NULL,
    lane INTEGER NOT NULL,
    PRIMARY KEY (tenant, digest, scan)
) STRICT, WITHOUT ROWID;
CREATE INDEX interests_by_scan ON interests (scan);

CREATE TABLE fingerprints (
    index_fingerprint BLOB NOT NULL,
    packages_fingerprint BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (index_fingerprint, packages_fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdicts (
    scan TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    reference TEXT NOT NULL,
    index_digest BLOB,
    manifest BLOB NOT NULL,
    platform TEXT NOT NULL,
    status TEXT NOT NULL,
    document BLOB NOT NULL,
    policy BLOB,
    knowledge BLOB,
    evaluated_at INTEGER NOT NULL,
    layers_known INTEGER NOT NULL,
    layers INTEGER NOT NULL,
    judged_at INTEGER NOT NULL,
    sequence INTEGER,
    PRIMARY KEY (scan, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdicts_by_manifest ON verdicts (tenant, manifest, judged_at);
CREATE INDEX verdicts_by_index ON verdicts (tenant, index_digest, judged_at) WHERE index_digest IS NOT NULL;
CREATE INDEX verdicts_by_reference ON verdicts (tenant, reference, judged_at);
CREATE INDEX verdicts_by_document ON verdicts (document);
CREATE UNIQUE INDEX verdicts_numbered ON verdicts (tenant, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX verdicts_unnumbered ON verdicts (judged_at, scan, ordinal) WHERE sequence IS NULL;

-- newest is the number given last, oldest the greatest that is forgotten.
CREATE TABLE streams (
    tenant TEXT NOT NULL PRIMARY KEY,
    newest INTEGER NOT NULL,
    oldest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    scan TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    holder TEXT,
    next_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending';
CREATE INDEX deliveries_listed ON deliveries (tenant, scan);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    role TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

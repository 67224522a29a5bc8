-- Digests are 32 bytes, ids and states are text, lanes are 0 (backfill) to 2 (interactive), instants are milliseconds
-- since the epoch. next_at is when a row may be claimed: a claim moves it to the end of its lease. What is compared is
-- compared by bytes, whatever the language of the database.

CREATE TABLE scans (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C",
    request TEXT NOT NULL,
    callback TEXT COLLATE "C",
    lane BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    deadline BIGINT,
    index_digest BYTEA,
    source TEXT,
    status TEXT COLLATE "C",
    failure TEXT,
    attempts BIGINT NOT NULL DEFAULT 0,
    holder TEXT COLLATE "C",
    next_at BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX scans_idempotency ON scans (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX scans_waiting ON scans (lane, next_at) WHERE state = 'submitted';
CREATE INDEX scans_late ON scans (deadline) WHERE state = 'submitted' AND deadline IS NOT NULL;
CREATE INDEX scans_listed ON scans (tenant, id);
CREATE INDEX scans_by_state ON scans (tenant, state, id);
CREATE INDEX scans_by_reference ON scans (tenant, reference, id);
CREATE INDEX scans_ended ON scans (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE scan_labels (
    tenant TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    scan TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, key, value, scan)
);
CREATE INDEX scan_labels_by_scan ON scan_labels (scan);

-- What a manifest says does not change, so any number of scans share its rows.
CREATE TABLE images (
    tenant TEXT COLLATE "C" NOT NULL,
    manifest BYTEA NOT NULL,
    config BYTEA NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, manifest)
);

CREATE TABLE image_layers (
    tenant TEXT COLLATE "C" NOT NULL,
    manifest BYTEA NOT NULL,
    position BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    diff_id BYTEA NOT NULL,
    readable BOOLEAN NOT NULL,
    PRIMARY KEY (tenant, manifest, position)
);
CREATE INDEX image_layers_by_digest ON image_layers (tenant, digest, manifest);

CREATE TABLE targets (
    scan TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    manifest BYTEA NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    blind_spots TEXT NOT NULL,
    lane BIGINT NOT NULL,
    deadline BIGINT,
    waiting BOOLEAN NOT NULL,
    ready BOOLEAN NOT NULL,
    failure TEXT,
    attempts BIGINT NOT NULL DEFAULT 0,
    holder TEXT COLLATE "C",
    next_at BIGINT NOT NULL,
    PRIMARY KEY (scan, ordinal)
);
CREATE INDEX targets_ready ON targets (lane, next_at) WHERE waiting AND ready;
CREATE INDEX targets_late ON targets (deadline) WHERE waiting AND deadline IS NOT NULL;
CREATE INDEX targets_incomplete ON targets (scan, ordinal) WHERE waiting AND NOT ready;
CREATE INDEX targets_by_image ON targets (tenant, manifest);

CREATE TABLE layers (
    tenant TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    diff_id BYTEA NOT NULL,
    lane BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    verified_diff_id BYTEA,
    uncompressed_size BIGINT,
    index_fingerprint BYTEA,
    packages_fingerprint BYTEA,
    verified_at TEXT COLLATE "C",
    failure TEXT,
    attempts BIGINT NOT NULL DEFAULT 0,
    interruptions BIGINT NOT NULL DEFAULT 0,
    published BIGINT NOT NULL DEFAULT 0,
    counted BIGINT NOT NULL DEFAULT -1,
    asked_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    settled_at BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX layers_by_digest ON layers (digest);
CREATE INDEX layers_due ON layers (lane, asked_at, next_at) WHERE state = 'outstanding';
CREATE INDEX layers_troubled ON layers (tenant, digest) WHERE state IN ('failed', 'gone', 'quarantined');

CREATE TABLE layer_sources (
    tenant TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    credential TEXT COLLATE "C" NOT NULL,
    plain_http BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    failure TEXT,
    PRIMARY KEY (tenant, digest, registry, repository, credential, plain_http)
);

CREATE TABLE interests (
    tenant TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    scan TEXT COLLATE "C" NOT NULL,
    lane BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest, scan)
);
CREATE INDEX interests_by_scan ON interests (scan);

CREATE TABLE fingerprints (
    index_fingerprint BYTEA NOT NULL,
    packages_fingerprint BYTEA NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (index_fingerprint, packages_fingerprint)
);

CREATE TABLE verdicts (
    scan TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    index_digest BYTEA,
    manifest BYTEA NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    document BYTEA NOT NULL,
    policy BYTEA,
    knowledge BYTEA,
    evaluated_at BIGINT NOT NULL,
    layers_known BIGINT NOT NULL,
    layers BIGINT NOT NULL,
    judged_at BIGINT NOT NULL,
    sequence BIGINT,
    PRIMARY KEY (scan, ordinal)
);
CREATE INDEX verdicts_by_manifest ON verdicts (tenant, manifest, judged_at);
CREATE INDEX verdicts_by_index ON verdicts (tenant, index_digest, judged_at) WHERE index_digest IS NOT NULL;
CREATE INDEX verdicts_by_reference ON verdicts (tenant, reference, judged_at);
CREATE INDEX verdicts_by_document ON verdicts (document);
CREATE UNIQUE INDEX verdicts_numbered ON verdicts (tenant, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX verdicts_unnumbered ON verdicts (judged_at, scan, ordinal) WHERE sequence IS NULL;

-- One row: who holds it gives out numbers.
CREATE TABLE sequencer (
    id BIGINT NOT NULL PRIMARY KEY
);
INSERT INTO sequencer (id) VALUES (1);

-- newest is the number given last, oldest the greatest that is forgotten.
CREATE TABLE streams (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    newest BIGINT NOT NULL,
    oldest BIGINT NOT NULL
);

CREATE TABLE deliveries (
    scan TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    reason TEXT,
    holder TEXT COLLATE "C",
    next_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending';
CREATE INDEX deliveries_listed ON deliveries (tenant, scan);

CREATE TABLE tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    tenant TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

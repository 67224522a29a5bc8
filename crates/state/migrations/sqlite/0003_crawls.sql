-- Somebody points at a registry. cursor is how far it was looked at, in words of whoever looks.
CREATE TABLE crawls (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    registry TEXT NOT NULL,
    schedule TEXT,
    idempotency_key TEXT,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    cursor TEXT,
    repositories INTEGER NOT NULL DEFAULT 0,
    tags INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    holder TEXT,
    next_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX crawls_idempotency ON crawls (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX crawls_listed ON crawls (tenant, id);
CREATE INDEX crawls_due ON crawls (next_at) WHERE state = 'running';
CREATE INDEX crawls_ended ON crawls (ended_at) WHERE ended_at IS NOT NULL;

-- What it found, each manifest of a repository once, and the scan that judges it.
CREATE TABLE crawl_images (
    crawl TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest BLOB NOT NULL,
    tag TEXT NOT NULL,
    kind TEXT NOT NULL,
    scan TEXT,
    PRIMARY KEY (crawl, repository, digest)
) STRICT, WITHOUT ROWID;

-- known: its evidence was there when it was found.
CREATE TABLE crawl_layers (
    crawl TEXT NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    known INTEGER NOT NULL,
    PRIMARY KEY (crawl, digest)
) STRICT, WITHOUT ROWID;

-- What could not be looked at; without a tag it is the repository.
CREATE TABLE crawl_failures (
    crawl TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    failure TEXT NOT NULL,
    PRIMARY KEY (crawl, repository, tag)
) STRICT, WITHOUT ROWID;

-- When a crawl of a schedule was started last.
CREATE TABLE schedules (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- How a registry wants to be asked: thousandths of a request a second, and not before an instant.
CREATE TABLE registry_paces (
    registry TEXT NOT NULL PRIMARY KEY,
    rate INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    learned_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX scans_by_index ON scans (tenant, index_digest) WHERE index_digest IS NOT NULL;

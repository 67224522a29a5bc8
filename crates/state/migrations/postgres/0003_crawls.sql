-- Somebody points at a registry. cursor is how far it was looked at, in words of whoever looks.
CREATE TABLE crawls (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    schedule TEXT COLLATE "C",
    idempotency_key TEXT COLLATE "C",
    request TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    cursor TEXT,
    repositories BIGINT NOT NULL DEFAULT 0,
    tags BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    failure TEXT,
    holder TEXT COLLATE "C",
    next_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX crawls_idempotency ON crawls (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX crawls_listed ON crawls (tenant, id);
CREATE INDEX crawls_due ON crawls (next_at) WHERE state = 'running';
CREATE INDEX crawls_ended ON crawls (ended_at) WHERE ended_at IS NOT NULL;

-- What it found, each manifest of a repository once, and the scan that judges it.
CREATE TABLE crawl_images (
    crawl TEXT COLLATE "C" NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    scan TEXT COLLATE "C",
    PRIMARY KEY (crawl, repository, digest)
);

-- known: its evidence was there when it was found.
CREATE TABLE crawl_layers (
    crawl TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    size BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    known BOOLEAN NOT NULL,
    PRIMARY KEY (crawl, digest)
);

-- What could not be looked at; without a tag it is the repository.
CREATE TABLE crawl_failures (
    crawl TEXT COLLATE "C" NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    failure TEXT NOT NULL,
    PRIMARY KEY (crawl, repository, tag)
);

-- When a crawl of a schedule was started last.
CREATE TABLE schedules (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- How a registry wants to be asked: thousandths of a request a second, and not before an instant.
CREATE TABLE registry_paces (
    registry TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    rate BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    learned_at BIGINT NOT NULL
);

CREATE INDEX scans_by_index ON scans (tenant, index_digest) WHERE index_digest IS NOT NULL;

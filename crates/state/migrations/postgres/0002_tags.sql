-- What a tag named, and from when to when it was seen to: one row for each stretch, of which the last may be open.
CREATE TABLE tags (
    tenant TEXT COLLATE "C" NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    first_seen BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    last_seen BIGINT NOT NULL,
    gone_at BIGINT,
    PRIMARY KEY (tenant, registry, repository, tag, first_seen, digest)
);
CREATE UNIQUE INDEX tags_open ON tags (tenant, registry, repository, tag) WHERE gone_at IS NULL;
CREATE INDEX tags_listed ON tags (tenant, registry, repository, first_seen, tag, digest);

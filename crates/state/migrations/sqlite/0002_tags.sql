-- What a tag named, and from when to when it was seen to: one row for each stretch, of which the last may be open.
CREATE TABLE tags (
    tenant TEXT NOT NULL,
    registry TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    digest BLOB NOT NULL,
    last_seen INTEGER NOT NULL,
    gone_at INTEGER,
    PRIMARY KEY (tenant, registry, repository, tag, first_seen, digest)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tags_open ON tags (tenant, registry, repository, tag) WHERE gone_at IS NULL;
CREATE INDEX tags_listed ON tags (tenant, registry, repository, first_seen, tag, digest);

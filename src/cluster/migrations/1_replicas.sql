-- What replicas share. `server` is the base URL of the Authentik server, so that services of several servers can
-- use one database. A later migration only adds, since replicas of the previous version still run.

create table authentik_entity_provider.lease (
    server text primary key,
    -- The replica that syncs, until `expires_at` by this database's clock.
    holder uuid,
    -- Grows with each holder. A statement with an older token changes nothing.
    token bigint not null default 0,
    expires_at timestamptz not null default '-infinity',
    -- The last run, from which the next due time follows.
    last_run jsonb,
    -- When the next run is due, in milliseconds since the epoch.
    next_run_at bigint,
    -- When the last webhook of Authentik arrived, in milliseconds since the epoch.
    webhook_at bigint,
    -- The digest of the entities whose changes were last pushed to Backstage.
    pushed text
);

create table authentik_entity_provider.snapshot (
    server text primary key,
    -- Grows with each publication, also if the row was deleted in between: milliseconds since the epoch, or more.
    version bigint not null,
    -- When the rows were read, and from where a sync can continue: the header of the state file.
    header bytea not null,
    -- Authentik's rows and their names, as in the state file, and the version since which they are these.
    rows bytea not null,
    rows_version bigint not null,
    -- The entities as they are served, compressed with zstd, the version since which they are these, and their
    -- digest.
    entities bytea not null,
    entities_version bigint not null,
    digest text not null
);

create table authentik_entity_provider.replica (
    id uuid primary key,
    server text not null,
    host text not null,
    release text not null,
    seen_at timestamptz not null,
    -- The version of the snapshot that it serves.
    version bigint not null,
    is_ready boolean not null,
    -- A digest of each configured key that has to be equal at all replicas.
    settings jsonb not null
);

create index replica_server on authentik_entity_provider.replica (server);

create table authentik_entity_provider.run (
    id uuid primary key,
    server text not null,
    is_queued boolean not null,
    has_ended boolean not null,
    -- Grows with each change of the row.
    revision bigint not null default 0,
    run jsonb not null
);

create index run_server on authentik_entity_provider.run (server);

-- At most one run is queued: all requests until it starts share it.
create unique index run_queued on authentik_entity_provider.run (server) where is_queued;

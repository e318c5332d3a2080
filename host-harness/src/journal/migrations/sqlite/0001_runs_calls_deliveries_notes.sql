-- Moments are milliseconds since 1970-01-01T00:00:00Z. JSON is text, and only the host reads it.
-- Types and statements are those that SQLite and PostgreSQL share, but for BLOB (there BYTEA).

CREATE TABLE run (
    installation    TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    kind            TEXT   NOT NULL,
    action          TEXT,
    phase           TEXT   NOT NULL,
    external_run_id TEXT,
    order_json      TEXT   NOT NULL,
    life_json       TEXT   NOT NULL,
    claimed_at      BIGINT NOT NULL,
    started_at      BIGINT,
    finished_at     BIGINT,
    PRIMARY KEY (installation, id)
);

CREATE INDEX run_under_way ON run (claimed_at) WHERE finished_at IS NULL;
CREATE INDEX run_finished ON run (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX run_newest ON run (installation, claimed_at);

-- The outbox.
CREATE TABLE call (
    installation TEXT   NOT NULL,
    run          TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    call_json    TEXT   NOT NULL,
    PRIMARY KEY (installation, run, number)
);

-- The inbox.
CREATE TABLE delivery (
    installation TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    received_at  BIGINT NOT NULL,
    headers_json TEXT   NOT NULL,
    body         BLOB   NOT NULL,
    done_at      BIGINT,
    PRIMARY KEY (installation, id)
);

CREATE INDEX delivery_waiting ON delivery (received_at) WHERE done_at IS NULL;
CREATE INDEX delivery_done ON delivery (done_at) WHERE done_at IS NOT NULL;

CREATE TABLE note (
    installation TEXT   NOT NULL,
    run          TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    note         TEXT   NOT NULL,
    PRIMARY KEY (installation, run, number)
);

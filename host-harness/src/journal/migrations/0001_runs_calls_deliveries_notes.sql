-- Moments are milliseconds since 1970-01-01T00:00:00Z. JSON is text, and only the host reads it.
-- `IF NOT EXISTS`: a journal of a build that counted its migrations elsewhere has these tables already.

CREATE TABLE IF NOT EXISTS run (
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

CREATE INDEX IF NOT EXISTS run_under_way ON run (claimed_at) WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS run_finished ON run (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS run_newest ON run (installation, claimed_at);

-- The outbox.
CREATE TABLE IF NOT EXISTS call (
    installation TEXT   NOT NULL,
    run          TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    call_json    TEXT   NOT NULL,
    PRIMARY KEY (installation, run, number)
);

-- The inbox.
CREATE TABLE IF NOT EXISTS delivery (
    installation TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    received_at  BIGINT NOT NULL,
    headers_json TEXT   NOT NULL,
    body         BLOB   NOT NULL,
    done_at      BIGINT,
    PRIMARY KEY (installation, id)
);

CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery (received_at) WHERE done_at IS NULL;
CREATE INDEX IF NOT EXISTS delivery_done ON delivery (done_at) WHERE done_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS note (
    installation TEXT   NOT NULL,
    run          TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    note         TEXT   NOT NULL,
    PRIMARY KEY (installation, run, number)
);

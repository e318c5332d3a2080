-- What is written about the runs of one time lies on few pages: a run has a number, and its notes go by that and not by
-- its key, whose place among those of all other runs is anywhere. Each row has one place and not two.

CREATE TABLE numbered_run (
    number          INTEGER PRIMARY KEY,
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
    UNIQUE (installation, id)
);

INSERT INTO numbered_run (installation, id, kind, action, phase, external_run_id, order_json, life_json, claimed_at,
    started_at, finished_at)
SELECT installation, id, kind, action, phase, external_run_id, order_json, life_json, claimed_at, started_at, finished_at
FROM run ORDER BY claimed_at, id;

CREATE TABLE numbered_note (
    run    INTEGER NOT NULL,
    number BIGINT  NOT NULL,
    at     BIGINT  NOT NULL,
    note   TEXT    NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

INSERT INTO numbered_note (run, number, at, note)
SELECT numbered_run.number, note.number, note.at, note.note
FROM note JOIN numbered_run ON numbered_run.installation = note.installation AND numbered_run.id = note.run;

CREATE TABLE keyed_call (
    installation TEXT   NOT NULL,
    run          TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    call_json    TEXT   NOT NULL,
    PRIMARY KEY (installation, run, number)
) WITHOUT ROWID;

INSERT INTO keyed_call SELECT installation, run, number, call_json FROM call;

DROP TABLE run;
DROP TABLE note;
DROP TABLE call;
ALTER TABLE numbered_run RENAME TO run;
ALTER TABLE numbered_note RENAME TO note;
ALTER TABLE keyed_call RENAME TO call;

CREATE INDEX run_under_way ON run (claimed_at) WHERE finished_at IS NULL;
CREATE INDEX run_finished ON run (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX run_newest ON run (installation, claimed_at);

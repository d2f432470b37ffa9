-- The append-only log: the truth.
CREATE TABLE event (
    seq       INTEGER PRIMARY KEY CHECK (seq > 0),
    at_ms     INTEGER NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind <> ''),
    version   INTEGER NOT NULL CHECK (version > 0),
    project   TEXT,
    objective TEXT,
    session   INTEGER,
    data      TEXT    NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE INDEX event_by_time ON event (at_ms);
CREATE INDEX event_by_kind ON event (kind, seq);
CREATE INDEX event_by_objective ON event (project, objective, seq);
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

-- The current rows: what the log adds up to, written in the same transaction. `seq` is the last event of
-- the batch that wrote the row (0: before any event).
CREATE TABLE project   (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;
CREATE TABLE objective (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;
CREATE TABLE session   (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;
CREATE TABLE gate      (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;
CREATE TABLE hierarchy (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;
CREATE TABLE meta      (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;

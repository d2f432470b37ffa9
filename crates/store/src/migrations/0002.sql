-- A project's settings, its merge queue and the rest change at different times: each has a row of its own, so that
-- one of them that changes does not write the others again.
CREATE TABLE project_settings (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;
CREATE TABLE project_queue    (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (json_valid(body)), seq INTEGER NOT NULL) STRICT;
INSERT INTO project_settings
    SELECT key, json_extract(body, '$.settings'), seq FROM project WHERE json_type(body, '$.settings') = 'object';
INSERT INTO project_queue
    SELECT project.key, json_group_object(part.key, json(part.value)), project.seq
    FROM project, json_each(project.body) AS part
    WHERE part.key IN ('train', 'verdicts', 'unproven', 'collisions', 'pace', 'gate_folders')
    GROUP BY project.key;
UPDATE project SET body = json_remove(body, '$.settings', '$.train', '$.verdicts', '$.unproven', '$.collisions', '$.pace', '$.gate_folders');

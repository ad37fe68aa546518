-- Where each child was placed, and whom that obliges us to tell by when.
CREATE TABLE encompass.placement (
    involvement_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    status text NOT NULL
        CHECK (status IN ('unplaced', 'placed', 'in_review', 'not_found', 'referred', 'excluded')),
    reason text,
    pupil_id uuid,
    duty_by timestamptz NOT NULL,
    evidence jsonb NOT NULL,
    decided_at timestamptz NOT NULL,
    decided_version bigint NOT NULL,
    run_id uuid NOT NULL,
    UNIQUE (force_id, involvement_id),
    FOREIGN KEY (force_id, involvement_id) REFERENCES encompass.involvement (force_id, involvement_id),
    FOREIGN KEY (force_id, pupil_id) REFERENCES encompass.pupil (force_id, pupil_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id),
    CHECK ((status = 'placed') = (pupil_id IS NOT NULL)),
    CHECK ((reason IS NOT NULL) = (status IN ('in_review', 'excluded')))
);
CREATE INDEX placement_by_status ON encompass.placement (force_id, status);

CREATE TABLE encompass.recipient (
    recipient_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('school', 'la_officer', 'partner_force')),
    urn bigint,
    UNIQUE (force_id, recipient_id),
    FOREIGN KEY (force_id, urn) REFERENCES encompass.school (force_id, urn),
    CHECK ((kind = 'school') = (urn IS NOT NULL))
);
CREATE UNIQUE INDEX recipient_one_a_school ON encompass.recipient (force_id, urn) WHERE kind = 'school';

CREATE TABLE encompass.duty (
    duty_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    involvement_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    duty_by timestamptz NOT NULL,
    act_by timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    run_id uuid NOT NULL,
    UNIQUE (involvement_id, recipient_id),
    UNIQUE (force_id, duty_id),
    FOREIGN KEY (force_id, involvement_id) REFERENCES encompass.placement (force_id, involvement_id),
    FOREIGN KEY (force_id, recipient_id) REFERENCES encompass.recipient (force_id, recipient_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id)
);
CREATE INDEX duty_by_recipient ON encompass.duty (force_id, recipient_id);

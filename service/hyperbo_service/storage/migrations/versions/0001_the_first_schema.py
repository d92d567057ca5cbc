"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema."""
    op.create_table(
        "journal",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project", sa.String(length=63), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=128), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_journal")),
        sa.UniqueConstraint("project", "request_id", name=op.f("uq_journal_project_request_id")),
    )
    deletions = sa.text("method IN ('DeleteStudy', 'DeleteTrial')")
    op.create_index(
        "ix_journal_deletions",
        "journal",
        ["project", "resource"],
        sqlite_where=deletions,
        postgresql_where=deletions,
    )
    op.create_table(
        "priors",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project", sa.String(length=63), nullable=False),
        sa.Column("prior", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("space_digest", sa.String(length=64), nullable=False),
        sa.Column("goal", sa.String(length=16), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("goal IN ('maximize', 'minimize')", name=op.f("ck_priors_goal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_priors")),
        sa.UniqueConstraint(
            "project", "prior", "version", name=op.f("uq_priors_project_prior_version")
        ),
    )
    with op.batch_alter_table("priors", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_priors_project_space_digest"), ["project", "space_digest"], unique=False
        )

    op.create_table(
        "studies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project", sa.String(length=63), nullable=False),
        sa.Column("study", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("space_digest", sa.String(length=64), nullable=False),
        sa.Column("metric", sa.String(length=128), nullable=False),
        sa.Column("goal", sa.String(length=16), nullable=False),
        sa.Column("prior", sa.String(length=80), nullable=False),
        sa.Column("resolved_prior", sa.String(length=80), nullable=False),
        sa.Column("prior_note", sa.Text(), nullable=False),
        sa.Column("prior_settled", sa.Boolean(), nullable=False),
        sa.Column("max_trials", sa.BigInteger(), nullable=True),
        sa.Column("max_seconds", sa.Double(), nullable=True),
        sa.Column("target", sa.Double(), nullable=True),
        sa.Column("stopping_rule", sa.String(length=32), nullable=True),
        sa.Column("stopping_min_step", sa.BigInteger(), nullable=True),
        sa.Column("stopping_min_trials", sa.BigInteger(), nullable=True),
        sa.Column("stopping_factor", sa.BigInteger(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column(
            "labels",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("stop_reason", sa.String(length=32), nullable=True),
        sa.Column("next_trial", sa.BigInteger(), nullable=False),
        sa.Column("first_token", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("goal IN ('maximize', 'minimize')", name=op.f("ck_studies_goal")),
        sa.CheckConstraint(
            "state IN ('active', 'paused', 'completed')", name=op.f("ck_studies_state")
        ),
        sa.CheckConstraint(
            "stop_reason IN ('max_trials', "
            "'max_duration', "
            "'target_reached', "
            "'space_exhausted', "
            "'requested')",
            name=op.f("ck_studies_stop_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("project", "study", name=op.f("uq_studies_project_study")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_studies_project_created_id"), ["project", "created", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_studies_project_space_digest"), ["project", "space_digest"], unique=False
        )

    op.create_table(
        "tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("project", sa.String(length=63), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("calls_per_second", sa.Double(), nullable=True),
        sa.Column("largest_message", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_tokens_name")),
    )
    op.create_table(
        "trials",
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("lease_seconds", sa.Double(), nullable=True),
        sa.Column("lease_expires", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("objective", sa.Double(), nullable=True),
        sa.Column("cost", sa.Double(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("measurement_count", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'completed') = (objective IS NOT NULL)", name=op.f("ck_trials_objective")
        ),
        sa.CheckConstraint(
            "(state = 'running') = (lease_expires IS NOT NULL)", name=op.f("ck_trials_lease")
        ),
        sa.CheckConstraint(
            "origin IN ('suggested', 'created', 'imported')", name=op.f("ck_trials_origin")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'completed', 'infeasible', 'failed', 'abandoned')",
            name=op.f("ck_trials_state"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_trials_number")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_trials_studies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "number", name=op.f("pk_trials")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("trials", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_trials_study_id_state_objective"),
            ["study_id", "state", "objective"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_trials_study_id_updated"), ["study_id", "updated"], unique=False
        )

    op.create_table(
        "measurements",
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.String(length=128), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("stderr", sa.Double(), nullable=True),
        sa.Column("elapsed", sa.Double(), nullable=True),
        sa.Column("cost", sa.Double(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "number"],
            ["trials.study_id", "trials.number"],
            name=op.f("fk_measurements_trials"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "study_id", "number", "step", "metric", name=op.f("pk_measurements")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trial_parameters",
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("real_value", sa.Double(), nullable=True),
        sa.Column("integer_value", sa.BigInteger(), nullable=True),
        sa.Column("text_value", sa.Text(), nullable=True),
        sa.Column("truth_value", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN real_value IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN integer_value IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN text_value IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN truth_value IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_trial_parameters_one_value"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "number"],
            ["trials.study_id", "trials.number"],
            name=op.f("fk_trial_parameters_trials"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "number", "name", name=op.f("pk_trial_parameters")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trial_values",
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.String(length=128), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("stderr", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id", "number"],
            ["trials.study_id", "trials.number"],
            name=op.f("fk_trial_values_trials"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "number", "metric", name=op.f("pk_trial_values")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("trial_values")
    op.drop_table("trial_parameters")
    op.drop_table("measurements")
    with op.batch_alter_table("trials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trials_study_id_updated"))
        batch_op.drop_index(batch_op.f("ix_trials_study_id_state_objective"))

    op.drop_table("trials")
    op.drop_table("tokens")
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_studies_project_space_digest"))
        batch_op.drop_index(batch_op.f("ix_studies_project_created_id"))

    op.drop_table("studies")
    with op.batch_alter_table("priors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_priors_project_space_digest"))

    op.drop_table("priors")
    op.drop_index("ix_journal_deletions", "journal")
    op.drop_table("journal")

"""${message}.

State the reason, the effect on rows, and the effect on the code of the release before. A revision imports no rule that
may change. When it is complete, pin its files: `python -m tests.unit.db.frozen_revisions`.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = "${up_revision}"
down_revision = "${down_revision}"


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}

"""The walk over the list of a further entity, whose records are cached as Zoho returns them."""

from db.runs import StepRef
from db.session import Session
from domain.observed import Observed
from domain.runs import Run
from workers.sync.list_pages import ListPage, end_list, read_list, record_page
from workers.sync.work import Work
from workers.sync.writing import write_records


def sync_records_page(work: Work) -> StepRef:
    """Read and write a slice of the entity's list; after the last page, continue with the missing records."""
    entity = work.run.entity
    assert entity is not None

    def write(db: Session, run: Run, listed: ListPage) -> Run:
        assert listed.page is not None
        run = record_page(db, run, entity, listed.page)
        return write_records(db, work, run, entity, [Observed(row, listed.page.server_time) for row in listed.rows])

    return read_list(work, entity, write, lambda db, run: end_list(db, work, run, entity))

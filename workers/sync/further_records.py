"""The walk over a list of an entity other than customers and invoices. Its records are cached as Zoho returns them."""

from db.runs import StepRef
from db.session import Session
from domain.runs import Run
from workers.sync.list_pages import ListPage, ListWriter, end_list, read_list
from workers.sync.work import Work
from workers.sync.writing import write_records


def sync_records_page(work: Work) -> StepRef:
    """Read and write a slice of the entity's list; after the last page, continue with the missing records."""
    entity = work.run.entity
    assert entity is not None

    def write(db: Session, run: Run, listed: ListPage) -> Run:
        return write_records(db, work, run, entity, listed.observed)

    return read_list(work, ListWriter(entity, write), lambda db, run: end_list(db, work, run, entity))

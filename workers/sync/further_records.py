"""The walk over the list of a further entity, whose records are cached as Zoho returns them."""

from db.runs import StepRef
from domain.observed import Observed
from workers.sync.list_pages import end_list, fetch_page, record_page
from workers.sync.work import Work
from workers.sync.writing import write_records


def sync_records_page(work: Work) -> StepRef:
    """Read and write the next page of the entity's list; after the last page, continue with the missing records."""
    entity = work.run.entity
    assert entity is not None
    listed = fetch_page(work, entity)
    run, page = listed.run, listed.page
    with work.transaction() as db:
        if page is not None:
            run = record_page(db, run, entity, page)
            run = write_records(db, work, run, entity, [Observed(row, page.server_time) for row in listed.rows])
        if run.position.list_of(entity).is_walked:
            run = end_list(db, work, run, entity)
        return work.advance(db, run)

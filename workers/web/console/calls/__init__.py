"""The console's pages about reminder calls: the planned ones, doubtful numbers, do-not-call lists, and outcomes."""

from fastapi import APIRouter

from workers.web.console.calls import confirmed, do_not_call, numbers, outcomes, planned

router = APIRouter()
for part in (planned, numbers, confirmed, do_not_call, outcomes):
    router.include_router(part.router)

__all__ = ["router"]

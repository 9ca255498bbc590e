"""The console's pages about reminder calls: the planned ones, doubtful numbers, do-not-call lists, and outcomes."""

from fastapi import APIRouter

from workers.web.console.calls import do_not_call, numbers

router = APIRouter()
for part in (numbers, do_not_call):
    router.include_router(part.router)

__all__ = ["router"]

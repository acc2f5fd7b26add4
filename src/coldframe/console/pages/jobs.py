"""Durable jobs: every one of the account, with its steps, timings and errors."""

from coldframe.console.routes import Route
from coldframe.console.visit import Visit
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireResponse
from coldframe.jobs.journal import JobRow, StepRow

LIST = "coldframe:ListJobs"
PAGE = 100


def show_list(visit: Visit) -> WireResponse:
    """Show the newest jobs of the account in this region."""
    chosen = visit.asked("status")
    return visit.page("jobs.html", jobs=latest(visit, PAGE, status=chosen), chosen=chosen)


def show_one(visit: Visit) -> WireResponse:
    """Show a job with its steps."""
    visit.require(LIST)
    identifier = visit.parts["job"]
    with visit.installation.store.read() as transaction:
        for region in (visit.region, ""):
            records = transaction.records(visit.principal.account, region)
            try:
                job = records.get(JobRow, identifier)
            except ServiceFault:
                continue
            steps = records.list(StepRow, key_prefix=(identifier,))
            return visit.page("job.html", job=job, steps=steps, now=visit.installation.clock.seconds())
    return visit.problem(404, f"There is no job {identifier} in this region.")


def latest(visit: Visit, most: int, *, status: str = "") -> list[JobRow]:
    """Return the newest jobs; raises AccessDenied unless the visitor may list them."""
    visit.require(LIST)
    where = {"status": status} if status else {}
    with visit.installation.store.read() as transaction:
        jobs = [
            job
            for region in (visit.region, "")
            for job in transaction.records(visit.principal.account, region).list(
                JobRow, where=where, order="created", descending=True, limit=most
            )
        ]
    return sorted(jobs, key=lambda job: job.created, reverse=True)[:most]


ROUTES = (
    Route("GET", "/console/jobs", show_list),
    Route("GET", "/console/jobs/{job}", show_one),
)

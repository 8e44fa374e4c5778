"""Many counties under many scenarios: one file says which, one folder keeps what came out."""

from scenarios.batch.cluster import BatchOutcome, run_batch
from scenarios.batch.expand import BatchScenario, expand
from scenarios.batch.jobs import Job, batch_jobs
from scenarios.batch.query import query_batch
from scenarios.batch.spec import Batch, read_batch
from scenarios.batch.store import BatchStore

__distribution__ = "xiangyou"
__all__ = [
    "Batch",
    "BatchOutcome",
    "BatchScenario",
    "BatchStore",
    "Job",
    "batch_jobs",
    "expand",
    "query_batch",
    "read_batch",
    "run_batch",
]

"""The search for the best small model within a budget: `edge-search`."""

from benchmarks.search.candidates import Candidate, choose_probes, make_candidates
from benchmarks.search.config import SearchConfig
from benchmarks.search.costs import CostModel, Costs, count_costs, fit_costs
from benchmarks.search.search import SearchFiles, search, write_probe_of
from benchmarks.search.types import Budget, Estimate, Screened, Search, Trained, Tuned

__all__ = [
    "Budget",
    "Candidate",
    "CostModel",
    "Costs",
    "Estimate",
    "Screened",
    "Search",
    "SearchConfig",
    "SearchFiles",
    "Trained",
    "Tuned",
    "choose_probes",
    "count_costs",
    "fit_costs",
    "make_candidates",
    "search",
    "write_probe_of",
]

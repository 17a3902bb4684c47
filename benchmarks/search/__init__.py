"""The search for the best small model within a budget: `edge-search`."""

from benchmarks.search.candidates import Candidate, choose_probes, make_candidates
from benchmarks.search.choosing import choose, place
from benchmarks.search.config import SearchConfig
from benchmarks.search.costs import CostModel, Costs, count_costs, fit_costs
from benchmarks.search.probing import count_all, estimate, latency_of, make_probes, time_models
from benchmarks.search.screening import promising
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
    "choose",
    "choose_probes",
    "count_all",
    "count_costs",
    "estimate",
    "fit_costs",
    "latency_of",
    "make_candidates",
    "make_probes",
    "place",
    "promising",
    "search",
    "time_models",
    "write_probe_of",
]

"""What a pulse-width study says about the paper: verdicts on its claims, tables, files, pictures.

The statements are those of Garg et al., arXiv:2509.18121.
"""

from feemu.report.causes import causes_picture, causes_text, write_causes
from feemu.report.chosen import chosen_text
from feemu.report.claims import TARGETS, claims
from feemu.report.contest import contest_picture, contest_text, standings, write_contest
from feemu.report.pareto import on_front, tries_table
from feemu.report.pictures import pareto_fronts, recovered_over_width, tau_w_picture
from feemu.report.records import Claim
from feemu.report.recovered import recovered
from feemu.report.shift_map import shift_map, write_shift_map
from feemu.report.study import write_study
from feemu.report.tau_w import tau_w_map
from feemu.report.text import claims_text, study_text

__all__ = [
    "TARGETS",
    "Claim",
    "causes_picture",
    "causes_text",
    "chosen_text",
    "claims",
    "claims_text",
    "contest_picture",
    "contest_text",
    "on_front",
    "pareto_fronts",
    "recovered",
    "recovered_over_width",
    "shift_map",
    "standings",
    "study_text",
    "tau_w_map",
    "tau_w_picture",
    "tries_table",
    "write_causes",
    "write_contest",
    "write_shift_map",
    "write_study",
]

"""What is: the county, its default figures, the readers, checks and writers, and the errors of the whole house."""

from geodata.completion import complete
from geodata.county import County, Provenance
from geodata.errors import (
    InfeasibleError,
    InputError,
    NoSolutionError,
    Problem,
    UsageError,
    VerificationError,
    XiangyouError,
)
from geodata.messages import Message
from geodata.parameters import Parameter, Parameters, default_parameters
from geodata.read import check, read_county
from geodata.reference import reference_county
from geodata.template import write_template
from geodata.write import write_csv_folder, write_gpkg, write_workbook

__distribution__ = "xiangyou"
__all__ = [
    "County",
    "InfeasibleError",
    "InputError",
    "Message",
    "NoSolutionError",
    "Parameter",
    "Parameters",
    "Problem",
    "Provenance",
    "UsageError",
    "VerificationError",
    "XiangyouError",
    "check",
    "complete",
    "default_parameters",
    "read_county",
    "reference_county",
    "write_csv_folder",
    "write_gpkg",
    "write_template",
    "write_workbook",
]

"""Lists the elements of FHIR R4 types, as fhir.resources knows them: {type: {element: a value of the right shape}}.

The arguments are the names of the types, such as QuestionnaireItem. It knows nothing of painreg.
"""

import json
import sys

from fhir.resources.R4B import get_fhir_model_class


def sample(name, annotation):
    """Any value of the shape: extensions and primitives need one, every other element may have an id only."""
    if name in ("extension", "modifierExtension"):
        value = {"url": "https://elsewhere.example/x", "valueString": "x"}
    elif "abc." in annotation:
        value = {"id": "x"}
    else:
        value = "x"
    return [value] if "List[" in annotation else value


def elements(kind):
    fields = get_fhir_model_class(kind).model_fields.values()
    fields = {field.alias: str(field.annotation) for field in fields if field.alias}
    names = set(get_fhir_model_class(kind).elements_sequence())
    return {name: sample(name, annotation) for name, annotation in fields.items() if name.removeprefix("_") in names}


json.dump({kind: elements(kind) for kind in sys.argv[1:]}, sys.stdout)

"""Validates FHIR R4 resources: their structure by fhir.resources, the specification's invariants by fhirpathpy.

Reads a list of {"questionnaire": .., "responses": [..]} from standard input and writes for each a list of verdicts: a list
of sentences for each resource, empty where nothing is wrong. It knows nothing of painreg.
"""

import json
import sys

from fhir.resources.R4B import get_fhir_model_class
from fhirpathpy import compile
from fhirpathpy.models import models

# Required value sets and invariants of https://hl7.org/fhir/R4/questionnaire.html#invs: for elements at a path, the
# condition.
TYPES = (
    "'group' | 'display' | 'boolean' | 'decimal' | 'integer' | 'date' | 'dateTime' | 'time' | 'string' | 'text' | 'url'"
    " | 'choice' | 'open-choice' | 'attachment' | 'reference' | 'quantity'"
)
EXPRESSION = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"
LISTED = "'choice' | 'open-choice' | 'decimal' | 'integer' | 'date' | 'dateTime' | 'time' | 'string' | 'quantity'"
SIMPLE = "'boolean' | 'decimal' | 'integer' | 'string' | 'text' | 'url' | 'open-choice'"
QUESTIONNAIRE = [
    ("status", "", "status in ('draft' | 'active' | 'retired' | 'unknown')"),
    ("que-2", "", "descendants().linkId.isDistinct()"),
    ("type", ".repeat(item)", f"type in ({TYPES})"),
    ("que-1", ".repeat(item)", "(type = 'group' implies item.exists()) and (type = 'display' implies item.empty())"),
    ("que-3", ".repeat(item)", "type != 'display' or code.empty()"),
    ("que-4", ".repeat(item)", "answerOption.empty() or answerValueSet.empty()"),
    ("que-5", ".repeat(item)", f"type in ({LISTED}) or (answerValueSet.empty() and answerOption.empty())"),
    ("que-6", ".repeat(item)", "type != 'display' or (required.empty() and repeats.empty())"),
    ("que-8", ".repeat(item)", "(type != 'group' and type != 'display') or initial.empty()"),
    ("que-9", ".repeat(item)", "type != 'display' or readOnly.empty()"),
    ("que-10", ".repeat(item)", f"type in ({SIMPLE}) or maxLength.empty()"),
    ("que-11", ".repeat(item)", "answerOption.empty() or initial.empty()"),
    ("que-12", ".repeat(item)", "enableWhen.count() > 1 implies enableBehavior.exists()"),
    ("que-13", ".repeat(item)", "repeats = true or initial.count() <= 1"),
    ("behavior", ".repeat(item)", "enableBehavior.empty() or enableBehavior in ('all' | 'any')"),
    ("operator", ".repeat(item).enableWhen", "operator in ('exists' | '=' | '!=' | '>' | '<' | '>=' | '<=')"),
    ("que-7", ".repeat(item).enableWhen", "operator = 'exists' implies answer is boolean"),
    ("question", ".repeat(item).enableWhen", "question in %resource.repeat(item).linkId"),
    ("ext-1", ".repeat(item).extension", "extension.exists() != value.exists()"),
]
RESPONSE = [
    ("status", "", "status in ('in-progress' | 'completed' | 'amended' | 'entered-in-error' | 'stopped')"),
    ("qrs-1", ".repeat(item)", "(answer.exists() and item.exists()).not()"),
    ("linkId", ".repeat(item)", "linkId in %questionnaire.repeat(item).linkId"),
]


def shape(value):
    """The same structure with types for values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return "number" if type(value) in (int, float) else type(value).__name__


def judged(resource, kind, invariants, questionnaire):
    """What is wrong with one resource."""
    try:
        if resource.get("resourceType") != kind:
            return [f"not a {kind}"]
        # "3" is accepted as a number, but is not written back unchanged.
        if shape(json.loads(get_fhir_model_class(kind).model_validate(resource).model_dump_json())) != shape(resource):
            return ["a value of another type"]
    except ValueError as error:
        return [str(error)]
    variables = {"resource": resource, "questionnaire": questionnaire}
    wrong = []
    for name, path, rule in invariants:
        offenders = compile(f"{kind}{path}.where(({rule}).not())", models["r4"])(resource, variables)
        wrong += [f"{name}: {json.dumps(element, default=str)[:200]}" for element in offenders]
    return wrong


def shown(response, questionnaire):
    """Which items are there although the questionnaire's own expression hides them."""
    wrong = []
    there = compile("QuestionnaireResponse.repeat(item).linkId", models["r4"])(response)
    for item in compile("Questionnaire.repeat(item)", models["r4"])(questionnaire):
        for extension in item.get("extension", []):
            if extension["url"] == EXPRESSION and item["linkId"] in there:
                expression = compile(extension["valueExpression"]["expression"], models["r4"])
                if expression(response, {"resource": response}) != [True]:
                    wrong.append(f"hidden: {item['linkId']}")
    return wrong


def case(questionnaire, responses):
    wrong = [judged(questionnaire, "Questionnaire", QUESTIONNAIRE, questionnaire)]
    if not wrong[0]:
        for response in responses:
            faults = judged(response, "QuestionnaireResponse", RESPONSE, questionnaire)
            wrong.append(faults or shown(response, questionnaire))
    return wrong


json.dump([case(**given) for given in json.load(sys.stdin)], sys.stdout)

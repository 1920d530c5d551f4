//! What a new registry starts from: forms, code lists and a follow-up plan, compiled in from `templates/`.

use std::collections::BTreeMap;

use painreg_domain::code_list::CodeLists;
use painreg_domain::fault::{Fault, FaultCode, escape};
use painreg_domain::followup::{FollowUpPlanDefinition, Known, Plan};
use painreg_domain::questionnaire::{Form, Wave};
use painreg_domain::settings::Settings;

/// The forms of the template `opr`.
const OPR_FORMS: &[&str] = &[
    include_str!("../templates/opr/forms/opr-baseline.toml"),
    include_str!("../templates/opr/forms/opr-baseline-short.toml"),
    include_str!("../templates/opr/forms/opr-follow-up-short.toml"),
    include_str!("../templates/opr/forms/opr-follow-up-full.toml"),
    include_str!("../templates/opr/forms/opr-rf.toml"),
    include_str!("../templates/opr/forms/opr-scs.toml"),
];
/// The code lists of the template `opr`.
const OPR_LISTS: &str = include_str!("../templates/opr/code-lists.toml");
/// The follow-up plan of the template `opr`.
const OPR_PLAN: &str = include_str!("../templates/opr/follow-up.toml");

/// The forms of a template; `None` where there is no such template.
pub fn forms(template: &str) -> Option<Vec<Form>> {
    // That every shipped form can be read is tested.
    (template == "opr").then(|| OPR_FORMS.iter().filter_map(|text| Form::from_toml(text).ok()).collect())
}

/// The code lists of a template; empty where there is no such template.
pub fn lists(template: &str) -> CodeLists {
    // That the shipped lists can be read is tested.
    if template == "opr" { CodeLists::from_toml(OPR_LISTS).unwrap_or_default() } else { CodeLists::default() }
}

/// The follow-up plan of a template; `None` where there is no such template.
pub fn plan(template: &str) -> Option<Plan> {
    // That the shipped plan is sound, with the shipped forms and lists, is tested.
    let definition = toml::from_str(OPR_PLAN).ok().filter(|_| template == "opr")?;
    Some(Plan::published(definition, &BTreeMap::new()))
}

/// Returns the faults by which the parts of a template disagree: in the plan at their pointers in it, two mappings of one
/// Nettskjema form at `/forms` and the code of the second form. Empty where there is no such template.
pub fn faults(template: &str) -> Vec<Fault> {
    let (Some(forms), Some(plan)) = (forms(template), plan(template)) else { return Vec::new() };
    disagreements(&forms, &lists(template), plan.definition())
}

fn disagreements(forms: &[Form], lists: &CodeLists, plan: &FollowUpPlanDefinition) -> Vec<Fault> {
    let mut nettskjema = BTreeMap::new();
    let mut faults = Vec::new();
    for form in forms {
        for mapping in &form.definition().nettskjema {
            if nettskjema.insert(mapping.form_id.clone(), form.code().to_owned()).is_some() {
                faults.push(Fault::new(format!("/forms/{}", escape(form.code())), FaultCode::AlreadyExists));
            }
        }
    }
    let follow_up = forms.iter().filter(|form| !matches!(form.wave(), Wave::Baseline | Wave::BaselineShort));
    let follow_up: Vec<String> = follow_up.map(|form| form.code().to_owned()).collect();
    let channels = Settings::default().channels;
    let known = Known { forms: &follow_up, lists, channels: &channels, nettskjema: &nettskjema };
    faults.extend(Plan::parse(plan.clone(), &known).err().unwrap_or_default());
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_form_can_be_read() {
        assert_eq!(forms("opr").map(|forms| forms.len()), Some(OPR_FORMS.len()));
        assert!(forms("OPR").is_none());
    }

    #[test]
    fn the_parts_of_the_shipped_template_agree() {
        assert_eq!(faults("opr"), []);
        let plan = plan("opr").expect("a plan");
        let rules: Vec<&str> = plan.rules().iter().map(|rule| rule.code.as_str()).collect();
        assert_eq!(rules, ["closed_12", "ongoing_12", "rf_3", "rf_6", "rf_12", "scs_6", "scs_12"]);
        // Every link that the plan sends leads to a form with a mapping of its own.
        assert_eq!(plan.definition().links.forms.len(), 3);
    }

    #[test]
    fn disagreeing_parts_are_named_with_rule_and_form() {
        let (forms, lists) = (forms("opr").expect("forms"), lists("opr"));
        let shipped = plan("opr").expect("a plan").definition().clone();
        let found = |forms: &[Form], plan: &FollowUpPlanDefinition| {
            let faults = disagreements(forms, &lists, plan).into_iter();
            faults.map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
        };
        let mut plan = shipped.clone();
        for (form, number) in [("opr-rf", "100003"), ("opr-scs", "1000005")] {
            plan.links.forms.insert(form.to_owned(), number.to_owned());
        }
        let wanted = [
            ("/links/forms/opr-rf".to_owned(), FaultCode::UnknownReference),
            ("/links/forms/opr-scs".to_owned(), FaultCode::Contradiction),
        ];
        assert_eq!(found(&forms, &plan), wanted);
        // A form less: the track that asks for it, and the link that leads to it.
        let fewer: Vec<Form> = forms.iter().filter(|form| form.code() != "opr-rf").cloned().collect();
        let wanted = [
            ("/tracks/2/form".to_owned(), FaultCode::UnknownReference),
            ("/links/forms/opr-rf".to_owned(), FaultCode::UnknownReference),
        ];
        assert_eq!(found(&fewer, &shipped), wanted);
        let twice: Vec<Form> = forms.iter().chain(forms.first()).cloned().collect();
        assert_eq!(found(&twice, &shipped), [("/forms/opr-baseline".to_owned(), FaultCode::AlreadyExists)]);
    }
}

//! What a new registry starts from: forms, code lists and a follow-up plan, compiled in from `templates/`.

use std::collections::BTreeMap;

use painreg_domain::code_list::CodeLists;
use painreg_domain::followup::Plan;
use painreg_domain::questionnaire::Form;

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

#[cfg(test)]
mod tests {
    use painreg_domain::followup::Known;
    use painreg_domain::settings::Settings;

    use super::*;

    #[test]
    fn every_shipped_form_can_be_read() {
        assert_eq!(forms("opr").map(|forms| forms.len()), Some(OPR_FORMS.len()));
        assert!(forms("OPR").is_none());
    }

    #[test]
    fn the_shipped_plan_is_sound_with_the_shipped_forms_and_lists() {
        let shipped = plan("opr").expect("a plan");
        let codes: Vec<String> = forms("opr").expect("forms").iter().map(|form| form.code().to_owned()).collect();
        let channels = Settings::default().channels;
        let known = Known { forms: &codes, lists: &lists("opr"), channels: &channels };
        let parsed = Plan::parse(shipped.definition().clone(), &known).expect("a sound plan");
        let rules: Vec<&str> = parsed.rules().iter().map(|rule| rule.code.as_str()).collect();
        assert_eq!(rules, ["closed_12", "ongoing_12", "rf_3", "rf_6", "rf_12", "scs_6", "scs_12"]);
    }
}

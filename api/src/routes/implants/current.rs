//! Reads the implants that a patient carries now.

use actix_web::{HttpResponse, get, web};
use painreg_domain::clinical::{self, EntryKind, ImplantComponent, MriCondition};
use painreg_domain::ids::PatientId;
use painreg_tenants::store::entries::{self, FilterValue, ListFilter, Stored};
use painreg_tenants::{PatientAccess, Tx};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{AsOf, Query, Raw};

/// One implant with at least one component in place.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CurrentImplant)]
pub struct CurrentView {
    /// The implant entry.
    #[schema(value_type = Object)]
    implant: Raw,
    /// The components in place.
    #[schema(value_type = Vec<Object>, max_items = 200)]
    components: Vec<Raw>,
    /// The programmes in use.
    #[schema(value_type = Vec<Object>, max_items = 200)]
    programmes: Vec<Raw>,
    /// The latest check; null where there is none.
    #[schema(value_type = Option<Object>)]
    latest_check: Option<Raw>,
    /// The latest events, at most twenty.
    #[schema(value_type = Vec<Object>, max_items = 20)]
    events: Vec<Raw>,
    /// The strictest MRI condition of any component in place.
    mri: MriCondition,
}

/// The implants that a patient carries.
#[derive(Serialize, utoipa::ToSchema)]
pub struct CurrentImplants {
    /// The implants with at least one component in place.
    #[schema(max_items = 200)]
    items: Vec<CurrentView>,
}

const MOST: i64 = 200;

/// Returns the rank of a condition; unknown is stricter than any known permission.
const fn strictness(condition: MriCondition) -> u8 {
    match condition {
        MriCondition::FullBody3t => 0,
        MriCondition::FullBody15t => 1,
        MriCondition::HeadOnly => 2,
        MriCondition::Unknown => 3,
        MriCondition::Unsafe => 4,
    }
}

/// Read the implants that a patient carries now: implants, components, programmes, the latest check, the MRI
/// condition.
#[utoipa::path(tag = "Implants", extensions(("x-action" = json!("ReadImplants"))),
    params(AsOf),
    responses((status = 200, description = "The implants in place.", body = CurrentImplants), Problems))]
#[get("/current-implants")]
pub async fn read_current_implants(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(AsOf { as_of }): Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let found = caller
        .run(move |tx| {
            tx.about("current_implants".to_owned());
            let access = tx.open_patient(patient)?;
            let filter = ListFilter { as_of, ..ListFilter::default() };
            let implants = entries::of_patient(tx, &access, EntryKind::Implant, &filter, None, MOST)?.items;
            let mut items = Vec::new();
            for implant in implants {
                items.extend(current(tx, &access, &filter, implant)?);
            }
            Ok(CurrentImplants { items })
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

fn current<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    as_of: &ListFilter,
    implant: Stored,
) -> Result<Option<CurrentView>, Problem> {
    let mut of_implant = |kind, ongoing, limit| {
        let equal = vec![("implant_id", FilterValue::Id(implant.id))];
        let filter = ListFilter { equal, ongoing, ..as_of.clone() };
        entries::of_patient(tx, access, kind, &filter, None, limit).map(|found| found.items)
    };
    let components = of_implant(EntryKind::ImplantComponent, Some(true), MOST)?;
    if components.is_empty() {
        return Ok(None);
    }
    let raw = |found: Vec<Stored>| found.into_iter().map(|stored| Raw::new(stored.json)).collect::<Result<_, _>>();
    let programmes = raw(of_implant(EntryKind::ImplantProgramme, Some(true), MOST)?)?;
    let checks: Vec<Raw> = raw(of_implant(EntryKind::ImplantCheck, None, 1)?)?;
    let events = raw(of_implant(EntryKind::ImplantEvent, None, 20)?)?;
    let conditions = components
        .iter()
        .map(|stored| entries::content(stored).map(|it: ImplantComponent| it.mri.unwrap_or(MriCondition::Unknown)))
        .collect::<Result<Vec<clinical::MriCondition>, _>>()?;
    let mri = conditions.into_iter().max_by_key(|it| strictness(*it)).unwrap_or(MriCondition::Unknown);
    Ok(Some(CurrentView {
        implant: Raw::new(implant.json)?,
        components: raw(components)?,
        programmes,
        latest_check: checks.into_iter().next(),
        events,
        mri,
    }))
}

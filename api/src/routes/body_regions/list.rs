//! Lists the regions of the body map.

use actix_web::{HttpResponse, get, web};
use painreg_domain::clinical::body::Region;
use serde::Serialize;
use strum::IntoEnumIterator as _;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::Page;

/// A region of the body.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BodyRegion)]
pub struct RegionView {
    /// The code of the region.
    region: Region,
    /// The name in English.
    #[schema(max_length = 60)]
    en: &'static str,
    /// The name in Norwegian.
    #[schema(max_length = 60)]
    nb: &'static str,
    /// Whether pain can be at its midline, neither left nor right.
    has_midline: bool,
}

/// List the regions of the body map (kroppskart), used in pain drawings and procedures.
#[utoipa::path(tag = "Lists", extensions(("x-action" = json!("ReadCodeLists"))),
    responses((status = 200, description = "The regions.", body = Page<RegionView>), Problems))]
#[get("/body-regions")]
pub async fn list_body_regions(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.run(|_| Ok(())).await?;
    let view =
        |region: Region| RegionView { region, en: region.en(), nb: region.nb(), has_midline: region.has_midline() };
    Ok(HttpResponse::Ok().json(Page { items: Region::iter().map(view).collect(), next_cursor: None }))
}

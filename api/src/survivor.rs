//! Reads through the id of a patient who was merged into another: they answer with the survivor's record and say so.

use std::sync::{Arc, OnceLock};

use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest};
use painreg_domain::ids::PatientId;

use crate::operations::Operation;

/// The name of the path parameter with a patient's id.
pub const PARAMETER: &str = "patient";
/// The header that names the resource of the survivor (RFC 9110).
pub const HEADER: &str = "content-location";

/// The survivor of the patient in the path, once the work of a request has found one.
#[derive(Clone, Default)]
pub struct Survivor(Arc<OnceLock<PatientId>>);

impl Survivor {
    /// Notes the survivor, if there is one.
    pub fn note(&self, found: Option<PatientId>) {
        if let Some(found) = found {
            let _ = self.0.set(found);
        }
    }

    /// Returns the value of `Content-Location`: the address with the survivor's id. `None` where the request is no read or
    /// does not name a merged patient in its path.
    pub fn content_location(request: &HttpRequest) -> Option<String> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let extensions = request.extensions();
        let survivor = *extensions.get::<Self>()?.0.get()?;
        let pattern = extensions.get::<&'static Operation>()?.path.as_str();
        let placeholder = format!("{{{PARAMETER}}}");
        let parts = pattern.split('/').zip(request.path().split('/'));
        let own = |(name, part): (&str, &str)| {
            if name == placeholder { survivor.to_string() } else { part.to_owned() }
        };
        let path: Vec<String> = parts.map(own).collect();
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        pattern.contains(&placeholder).then(|| path.join("/") + &query)
    }
}

//! From bearer token to [`Caller`]: the only door into a tenant, and the only user of the registry's scopes.

mod dpop;
pub mod keys;
mod limits;
mod token;

use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use painreg_domain::policy::Action;
use painreg_tenants::{
    PlatformScope, PlatformTx, Principal, Registry, Reply, RequestContext, Tenant, TenantScope, Tx,
    UnauthenticatedRequest,
};

pub use keys::KeySets;
pub use limits::{Limits, Remaining};
pub use token::Verifier;

use crate::frame::RequestInfo;
use crate::problem::{Code, Problem};
use crate::server::State;
use crate::wire::{IdempotencyKey, answer};

/// A request whose caller is known.
#[derive(Clone)]
pub struct Caller {
    registry: Registry,
    home: Option<Arc<Tenant>>,
    principal: Principal,
    context: RequestContext,
    operation: String,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { authenticate(&request).await })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let state = request.app_data::<web::Data<State>>().ok_or_else(|| Problem::internal("no state"))?;
    let info = request.extensions().get::<RequestInfo>().cloned().unwrap_or_default();
    let origin = request.peer_addr().map(|peer| peer.ip().to_string());
    let unauthenticated = |code: Code| {
        state.unauthenticated.count(UnauthenticatedRequest {
            code: code.name(),
            operation: operation_of(request),
            origin: origin.clone().unwrap_or_default(),
        });
        Problem::from(code)
    };
    let Some(presented) = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Err(unauthenticated(Code::Unauthenticated));
    };
    let verified = match presented.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            state.verifier.verify(token.trim(), None).await
        }
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("dpop") => {
            let token = token.trim();
            match dpop::proof(request, token, &state.public_address) {
                Ok(proof) => state.verifier.verify(token, Some(proof)).await,
                Err(refused) => Err(refused),
            }
        }
        _ => Err(token::Refused::NotAToken),
    };
    let verified = verified.map_err(|refused| {
        tracing::info!(%refused, request_id = %info.id, "credentials refused");
        if matches!(refused, token::Refused::Unavailable) {
            Code::Unavailable.into()
        } else {
            unauthenticated(Code::Unauthenticated)
        }
    })?;
    let remaining = state.limits.take(&verified.principal.key, verified.principal.role)?;
    request.extensions_mut().insert(remaining);
    // The tenant comes from the token. The path must agree; where it does not, the path names nothing.
    if let (Some(named), Some(home)) = (request.match_info().get("tenant"), &verified.home)
        && named != home.slug
    {
        return Err(unauthenticated(Code::NotFound));
    }
    Ok(Caller {
        registry: state.registry.clone(),
        home: verified.home,
        principal: verified.principal,
        context: RequestContext { request_id: info.id, origin },
        operation: operation_of(request),
    })
}

/// What the request asks for, for hashes and counts: the method and the whole path.
fn operation_of(request: &HttpRequest) -> String {
    let pattern = request.match_pattern().unwrap_or_default();
    format!("{} {}", request.method(), if pattern.is_empty() { "unknown" } else { pattern.as_str() })
}

impl Caller {
    /// Who is calling.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The scope in the caller's own tenant; an operator has none, and is refused by the policy.
    #[expect(clippy::disallowed_methods, reason = "this is where scopes are made")]
    fn scope(&self) -> Scope {
        match &self.home {
            Some(home) => {
                Scope::Tenant(self.registry.scope(Arc::clone(home), self.principal.clone(), self.context.clone()))
            }
            None => Scope::Platform(self.registry.platform_scope(self.principal.clone(), self.context.clone())),
        }
    }

    /// Runs blocking work on the caller's registry off the event loop.
    pub async fn run<T: Send + 'static>(
        self,
        action: Action,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        blocking(move || match self.scope() {
            Scope::Tenant(scope) => scope.run(action, work),
            Scope::Platform(platform) => platform.run(action, |_| Err(Code::Forbidden.into())),
        })
        .await
    }

    /// Runs blocking work on the platform's tables off the event loop.
    pub async fn run_platform<T: Send + 'static>(
        self,
        action: Action,
        work: impl for<'t> FnOnce(&mut PlatformTx<'t>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.on_platform(action, move |platform| platform.run(action, work)).await
    }

    async fn on_platform<T: Send + 'static>(
        self,
        action: Action,
        run: impl FnOnce(&PlatformScope) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        blocking(move || match self.scope() {
            // A caller of a tenant: the tenant's own log shows the refusal.
            Scope::Tenant(scope) => scope.run(action, |_| Err(Code::Forbidden.into())),
            Scope::Platform(platform) => {
                let result = run(&platform);
                // The change is committed; a server that cannot read it now reads it within a second.
                if result.is_ok()
                    && let Err(error) = self.registry.refresh()
                {
                    tracing::warn!(%error, "changed tenants will be noticed later");
                }
                result
            }
        })
        .await
    }

    /// As [`Caller::run`], at most once for each idempotency key: a repetition is given the stored answer.
    pub async fn run_once(
        self,
        action: Action,
        key: IdempotencyKey,
        body: web::Bytes,
        path: &str,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<actix_web::HttpResponse, Problem> {
        let key = self.once(key, path, &body)?;
        self.run_as(action, key, work).await.map(answer)
    }

    /// Fails where a machine client sends no key.
    pub fn needs(&self, key: &IdempotencyKey) -> Result<(), Problem> {
        self.once(key.clone(), "", &[]).map(|_| ())
    }

    /// As [`Caller::run_once`], for one line of many: the key is the request's and the line's number.
    pub async fn run_line(
        self,
        action: Action,
        key: IdempotencyKey,
        (line, body): (usize, web::Bytes),
        path: &str,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let key = self.once(key.of_line(line), path, &body)?;
        self.run_as(action, key, work).await
    }

    async fn run_as(
        self,
        action: Action,
        key: Option<painreg_tenants::IdempotencyKey>,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        blocking(move || match self.scope() {
            Scope::Tenant(scope) => scope.run_once(action, key.as_ref(), work),
            Scope::Platform(platform) => platform.run(action, |_| Err(Code::Forbidden.into())),
        })
        .await
    }

    /// As [`Caller::run_platform`], at most once for each idempotency key.
    pub async fn run_platform_once(
        self,
        action: Action,
        key: IdempotencyKey,
        body: web::Bytes,
        path: &str,
        work: impl for<'t> FnOnce(&mut PlatformTx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<actix_web::HttpResponse, Problem> {
        let key = self.once(key, path, &body)?;
        self.on_platform(action, move |platform| platform.run_once(action, key.as_ref(), work)).await.map(answer)
    }

    fn once(
        &self,
        key: IdempotencyKey,
        path: &str,
        body: &[u8],
    ) -> Result<Option<painreg_tenants::IdempotencyKey>, Problem> {
        let key = key.of(&format!("{} {path}", self.operation), body);
        if key.is_none() && self.principal.role.is_machine() {
            return Err(Code::IdempotencyKeyMissing.into());
        }
        Ok(key)
    }
}

/// Where a caller may work.
enum Scope {
    Tenant(TenantScope),
    Platform(PlatformScope),
}

/// The one place where work leaves the event loop.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    web::block(work).await?
}

/// Work that may wait for the network, off the event loop.
#[expect(clippy::disallowed_methods, reason = "keys are fetched before there is a scope to run in")]
async fn off_the_loop<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<Option<T>, E> + Send + 'static,
) -> Result<Option<T>, E> {
    web::block(work).await.unwrap_or(Ok(None))
}

//! The caller of a request. Only callers open scopes of the registry.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::policy::Action;
use painreg_tenants::{
    PlatformScope, PlatformTx, Principal, Registry, Reply, RequestContext, Tenant, TenantScope, Tx,
    UnauthenticatedRequest,
};

use crate::auth::{self, Refused};
use crate::operations::Operation;
use crate::problem::{Code, Problem};
use crate::request_info::RequestInfo;
use crate::state::State;
use crate::survivor::Survivor;
use crate::wire::{IdempotencyKey, WrongParameters, answer};

/// The verified caller of a request.
#[derive(Clone)]
pub struct Caller {
    registry: Registry,
    home: Option<Arc<Tenant>>,
    principal: Principal,
    context: RequestContext,
    operation: &'static Operation,
    action: Action,
    survivor: Survivor,
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
    // Every route is an operation, and the start-up check has refused those that have no action and are not public.
    let operation = request.extensions().get::<&'static Operation>().copied();
    let operation = operation.ok_or_else(|| Problem::internal("a route that is no operation"))?;
    let action = operation.action.ok_or_else(|| Problem::internal("a public operation has no caller"))?;
    let info = request.extensions().get::<RequestInfo>().cloned().unwrap_or_default();
    let origin = request.peer_addr().map(|peer| peer.ip().to_string());
    let unauthenticated = |code: Code| {
        state.unauthenticated.count(UnauthenticatedRequest {
            code: code.name(),
            operation: operation.name(),
            origin: origin.clone().unwrap_or_default(),
        });
        Problem::from(code)
    };
    let verified = match auth::verify(&state.verifier, request, &state.public_address).await {
        Ok(Some(verified)) => verified,
        Ok(None) => return Err(unauthenticated(Code::Unauthenticated)),
        Err(refused) => {
            tracing::info!(%refused, "credentials refused");
            return Err(match refused {
                Refused::Unavailable => Code::Unavailable.into(),
                _ => unauthenticated(Code::Unauthenticated),
            });
        }
    };
    if let Some(home) = &verified.home {
        tracing::Span::current().record("tenant", &home.slug);
    }
    let remaining = state.limits.take(&verified.principal.key, verified.principal.role)?;
    request.extensions_mut().insert(remaining);
    // The tenant comes from the token. A path that names another tenant is not found.
    if let (Some(named), Some(home)) = (request.match_info().get("tenant"), &verified.home)
        && named != home.slug
    {
        return Err(unauthenticated(Code::NotFound));
    }
    if let Some(WrongParameters(problem)) = request.extensions_mut().remove() {
        return Err(problem);
    }
    let survivor = Survivor::default();
    request.extensions_mut().insert(survivor.clone());
    Ok(Caller {
        registry: state.registry.clone(),
        home: verified.home,
        principal: verified.principal,
        context: RequestContext { request_id: info.id, origin },
        operation,
        action,
        survivor,
    })
}

impl Caller {
    /// Returns the verified caller.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the scope in the caller's own tenant, or the platform's for an operator.
    #[expect(clippy::disallowed_methods, reason = "only callers open scopes")]
    fn scope(&self) -> Scope {
        match &self.home {
            Some(home) => {
                Scope::Tenant(self.registry.scope(Arc::clone(home), self.principal.clone(), self.context.clone()))
            }
            None => Scope::Platform(self.registry.platform_scope(self.principal.clone(), self.context.clone())),
        }
    }

    /// Runs blocking work on the caller's registry off the event loop, as the operation's action.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        blocking(move || match self.scope() {
            Scope::Tenant(scope) => scope.run(self.action, |tx| {
                let result = work(tx);
                self.survivor.note(tx.survivor());
                result
            }),
            Scope::Platform(platform) => platform.run(self.action, |_| Err(Code::Forbidden.into())),
        })
        .await
    }

    /// Returns a problem of the request itself, or the policy's refusal where the caller may not do the operation at
    /// all.
    pub async fn refuse(self, problem: Problem) -> Problem {
        match self.run(|_| Err::<Infallible, _>(problem)).await {
            Err(problem) => problem,
            Ok(never) => match never {},
        }
    }

    /// Runs blocking work on the platform's tables off the event loop.
    pub async fn run_platform<T: Send + 'static>(
        self,
        work: impl for<'t> FnOnce(&mut PlatformTx<'t>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.on_platform(|platform, action| platform.run(action, work)).await
    }

    async fn on_platform<T: Send + 'static>(
        self,
        run: impl FnOnce(&PlatformScope, Action) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        blocking(move || match self.scope() {
            // The caller belongs to a tenant: the tenant's log records the refusal.
            Scope::Tenant(scope) => scope.run(self.action, |_| Err(Code::Forbidden.into())),
            Scope::Platform(platform) => {
                let result = run(&platform, self.action);
                // The work is committed; maintenance refreshes within a second if this fails.
                if result.is_ok()
                    && let Err(error) = self.registry.refresh()
                {
                    tracing::warn!(%error, "refresh of tenants failed; maintenance retries");
                }
                result
            }
        })
        .await
    }

    /// As [`Caller::run`], at most once per idempotency key: a repetition gets the stored response.
    pub async fn run_once(
        self,
        key: IdempotencyKey,
        body: web::Bytes,
        path: &str,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<actix_web::HttpResponse, Problem> {
        let key = self.once(key, path, &body)?;
        self.run_as(key, work).await.map(answer)
    }

    /// Fails where a machine client sends no idempotency key.
    pub fn needs(&self, key: &IdempotencyKey) -> Result<(), Problem> {
        self.once(key.clone(), "", &[]).map(|_| ())
    }

    /// As [`Caller::run_once`], for one line of a batch: the key is the request's key and the line's number.
    pub async fn run_line(
        self,
        key: IdempotencyKey,
        (line, body): (usize, web::Bytes),
        path: &str,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let key = self.once(key.of_line(line), path, &body)?;
        self.run_as(key, work).await
    }

    async fn run_as(
        self,
        key: Option<painreg_tenants::IdempotencyKey>,
        work: impl for<'t> FnOnce(&mut Tx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        blocking(move || match self.scope() {
            Scope::Tenant(scope) => scope.run_once(self.action, key.as_ref(), work),
            Scope::Platform(platform) => platform.run(self.action, |_| Err(Code::Forbidden.into())),
        })
        .await
    }

    /// As [`Caller::run_platform`], at most once per idempotency key.
    pub async fn run_platform_once(
        self,
        key: IdempotencyKey,
        body: web::Bytes,
        path: &str,
        work: impl for<'t> FnOnce(&mut PlatformTx<'t>) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<actix_web::HttpResponse, Problem> {
        let key = self.once(key, path, &body)?;
        self.on_platform(move |platform, action| platform.run_once(action, key.as_ref(), work)).await.map(answer)
    }

    fn once(
        &self,
        key: IdempotencyKey,
        path: &str,
        body: &[u8],
    ) -> Result<Option<painreg_tenants::IdempotencyKey>, Problem> {
        let key = key.of(&format!("{} {path}", self.operation.name()), body);
        if key.is_none() && self.principal.role.is_machine() {
            let faults = vec![Fault::new("/header/Idempotency-Key", FaultCode::Required)];
            return Err(Problem::with(Code::IdempotencyKeyMissing, faults));
        }
        Ok(key)
    }
}

/// The scope of a caller: a tenant's, or the platform's for an operator.
enum Scope {
    Tenant(TenantScope),
    Platform(PlatformScope),
}

/// Runs blocking work of a scope off the event loop.
#[expect(clippy::disallowed_methods, reason = "the one place where work of a scope blocks")]
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    let span = tracing::Span::current();
    web::block(move || span.in_scope(work)).await?
}

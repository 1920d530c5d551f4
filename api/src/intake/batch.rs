//! Many questionnaires in one request: taken a few hundred at a time in one transaction, one after the other where that
//! fails, and told a line each. Memory does not grow with their number.

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use futures_util::{StreamExt as _, stream};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{QuarantineId, SubmissionId};
use painreg_tenants::Tx;
use painreg_tenants::app::intake::{Arrival, Stored, Taken, Waiting, take};
use painreg_tenants::store::submissions::Delivered;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Code, Problem, ProblemView};
use crate::request_info::RequestInfo;
use crate::views::quarantine::ReasonView;
use crate::views::submission::DeliveryOutcome;
use crate::views::submission::{AlertNote, SourceBody};
use crate::wire::{Line, LineBody, NDJSON};

/// How many chunks are worked on at once: one is examined while the database stores another.
const AT_ONCE: usize = 2;

/// How a body of questionnaires is taken.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BatchParams {
    /// true: everything is done and checked, nothing stays.
    #[param(default = false)]
    dry_run: Option<bool>,
}

impl BatchParams {
    /// Whether nothing is to stay.
    pub fn dry_run(&self) -> bool {
        self.dry_run.unwrap_or(false)
    }
}

/// The result of one questionnaire.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DeliveryResult {
    /// The line that it begins on, from 1.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    line: usize,
    /// Where it came from, as far as that could be read.
    source: Option<SourceBody>,
    /// What became of it.
    outcome: DeliveryOutcome,
    /// The stored revision.
    submission_id: Option<SubmissionId>,
    /// Which revision of the source's submission it is.
    #[schema(minimum = 1)]
    version: Option<i32>,
    /// What in the answers the clinic must see.
    #[schema(max_items = 100)]
    alerts: Vec<AlertNote>,
    /// Where it waits.
    quarantine_id: Option<QuarantineId>,
    /// Why it waits.
    #[schema(max_items = 2000)]
    reasons: Vec<ReasonView>,
    /// A signed receipt (JWS, compact): proof that this was delivered here.
    #[schema(max_length = 2000)]
    receipt: Option<String>,
    /// Why it was refused.
    problem: Option<ProblemView>,
}

/// A request of many questionnaires.
#[derive(Clone)]
pub struct Batch {
    /// Who sends them.
    pub caller: Caller,
    /// The Nettskjema form they come from.
    pub nettskjema_id: Option<String>,
    /// Whether nothing is to stay.
    pub dry_run: bool,
    /// The request, for words about what is refused.
    pub info: RequestInfo,
}

/// How lines become questionnaires, where one is not a line: what a questionnaire is made of, together. Given nothing, the
/// body has ended.
pub type Group = Box<dyn FnMut(Option<Vec<Line>>) -> Vec<Line> + Send>;

/// Whether the whole request is refused, not a line of it.
const fn of_the_request(code: Code) -> bool {
    matches!(code, Code::Forbidden | Code::NotFound | Code::LowAssurance | Code::Suspended | Code::Migrating)
}

impl Batch {
    /// Takes every questionnaire of the body; `examine` says what a chunk of them holds.
    pub async fn run(
        self,
        mut body: LineBody,
        mut group: Option<Group>,
        examine: impl for<'t, 'l> Fn(&mut Tx<'t>, &'l [Line]) -> Result<Vec<Arrival<'l>>, Problem> + Clone + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Some(first) = next(&mut body, &mut group).await? else {
            let nothing = Problem::invalid(vec![Fault::new("", FaultCode::Required)]);
            let refused = self.caller.run(|_| Err::<(), _>(nothing)).await;
            return Err(refused.err().unwrap_or_else(|| Code::Invalid.into()));
        };
        // What the first chunk is refused for may be the caller's fault rather than a line's.
        let first = self.clone().chunk(first, examine.clone()).await?;
        let rest = stream::unfold(Some((body, group)), |state| async {
            let (mut body, mut group) = state?;
            match next(&mut body, &mut group).await {
                Ok(Some(lines)) => Some((Ok(lines), Some((body, group)))),
                Ok(None) => None,
                Err(problem) => Some((Err((body.line() + 1, problem)), None)),
            }
        })
        .map(move |lines| {
            let (batch, examine) = (self.clone(), examine.clone());
            async move {
                match lines {
                    Ok(lines) => {
                        batch.clone().chunk(lines, examine).await.unwrap_or_else(|problem| batch.ended(0, problem))
                    }
                    Err((line, problem)) => batch.ended(line, problem),
                }
            }
        })
        .buffered(AT_ONCE);
        let results = stream::iter([first]).chain(rest).map(Ok::<_, Problem>);
        Ok(HttpResponse::Ok().content_type(NDJSON).streaming(results.boxed_local()))
    }

    /// The results of a chunk. Where the chunk fails, each of it is tried by itself.
    async fn chunk(
        self,
        lines: Vec<Line>,
        examine: impl for<'t, 'l> Fn(&mut Tx<'t>, &'l [Line]) -> Result<Vec<Arrival<'l>>, Problem> + Clone + Send + 'static,
    ) -> Result<Bytes, Problem> {
        let numbers: Vec<usize> = lines.iter().map(|(line, _)| *line).collect();
        let mut text = Vec::with_capacity(lines.len() * 1024);
        match self.clone().taken(lines.clone(), examine.clone()).await {
            Ok(taken) => {
                for (line, taken) in numbers.into_iter().zip(taken) {
                    self.write(&mut text, line, taken);
                }
            }
            Err(problem) if of_the_request(problem.code) => return Err(problem),
            Err(_) => {
                for (line, bytes) in lines {
                    let taken = self.clone().taken(vec![(line, bytes)], examine.clone()).await;
                    let one = |mut taken: Vec<_>| {
                        taken.pop().unwrap_or_else(|| Err(Problem::internal("a line without a result")))
                    };
                    let taken = taken.and_then(one);
                    self.write(&mut text, line, taken);
                }
            }
        }
        Ok(text.into())
    }

    async fn taken(
        self,
        lines: Vec<Line>,
        examine: impl for<'t, 'l> Fn(&mut Tx<'t>, &'l [Line]) -> Result<Vec<Arrival<'l>>, Problem> + Clone + Send + 'static,
    ) -> Result<Vec<Result<Taken, Problem>>, Problem> {
        let Self { caller, nettskjema_id, dry_run, .. } = self;
        caller
            .run(move |tx| {
                if dry_run {
                    tx.rehearse();
                }
                let arrivals = examine(tx, &lines)?;
                let taken = take(tx, nettskjema_id.as_deref(), arrivals)?;
                Ok(taken.into_iter().map(|taken| taken.map_err(Problem::from)).collect())
            })
            .await
    }

    /// The body went wrong: what came before it stands, nothing after it was looked at.
    fn ended(&self, line: usize, problem: Problem) -> Bytes {
        let mut text = Vec::new();
        self.write(&mut text, line.max(1), Err(problem));
        text.into()
    }

    fn write(&self, text: &mut Vec<u8>, line: usize, taken: Result<Taken, Problem>) {
        let mut result = DeliveryResult {
            line,
            source: None,
            outcome: DeliveryOutcome::Refused,
            submission_id: None,
            version: None,
            alerts: Vec::new(),
            quarantine_id: None,
            reasons: Vec::new(),
            receipt: None,
            problem: None,
        };
        let kept = !self.dry_run;
        match taken {
            Ok(Taken::Stored(stored)) => {
                let Stored { placed, alerts, receipt, source, .. } = *stored;
                result.outcome = match placed.delivered {
                    Delivered::Created | Delivered::Revised if self.dry_run => DeliveryOutcome::Acceptable,
                    delivered => delivered.into(),
                };
                let known = kept || placed.delivered == Delivered::Unchanged;
                result.submission_id = known.then_some(placed.id);
                result.version = Some(placed.revision);
                result.alerts = alerts.into_iter().map(AlertNote::from).collect();
                result.receipt = kept.then_some(receipt);
                result.source = Some(source.into());
            }
            Ok(Taken::Quarantined(Waiting { id, source, reasons, receipt })) => {
                result.outcome = DeliveryOutcome::Quarantined;
                result.quarantine_id = kept.then_some(id);
                result.receipt = kept.then_some(receipt);
                result.source = source.map(SourceBody::from);
                result.reasons = reasons.into_iter().map(ReasonView::from).collect();
            }
            Err(problem) => {
                if let Some(source) = problem.source.as_deref() {
                    tracing::error!(line, source = %source, "a line failed");
                }
                result.problem = Some(problem.view(self.info.language, &self.info.id));
            }
        }
        if serde_json::to_writer(&mut *text, &result).is_ok() {
            text.push(b'\n');
        }
    }
}

/// The next questionnaires; none at the end.
async fn next(body: &mut LineBody, group: &mut Option<Group>) -> Result<Option<Vec<Line>>, Problem> {
    loop {
        let lines = body.chunk().await?;
        let ended = lines.is_empty();
        let whole = match group {
            Some(group) => group((!ended).then_some(lines)),
            None => lines,
        };
        if !whole.is_empty() {
            return Ok(Some(whole));
        }
        if ended {
            return Ok(None);
        }
    }
}

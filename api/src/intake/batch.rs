//! Batches of questionnaires: stored in chunks of a few hundred per transaction, one by one where a chunk fails, with a
//! line of the response for each. Memory does not grow with their number.

use actix_web::HttpResponse;
use futures_util::{StreamExt as _, stream};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::{QuarantineId, SubmissionId};
use painreg_domain::remark::DeliveryRemark;
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
use crate::wire::{Line, Lines, line_problem, lines_answer};

/// The number of concurrent chunks: one is examined while the database stores another.
const AT_ONCE: usize = 2;

/// Options of a batch of questionnaires.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BatchParams {
    /// Dry run: everything is checked, nothing is stored.
    #[param(default = false)]
    dry_run: Option<bool>,
}

impl BatchParams {
    /// Whether nothing is stored.
    pub fn dry_run(&self) -> bool {
        self.dry_run.unwrap_or(false)
    }
}

/// The result of one questionnaire.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DeliveryResult {
    /// The line on which the questionnaire begins, from 1.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    line: usize,
    /// The source, if it could be read.
    source: Option<SourceBody>,
    /// The outcome of the delivery.
    outcome: DeliveryOutcome,
    /// The current revision.
    submission_id: Option<SubmissionId>,
    /// The number of the current revision.
    #[schema(minimum = 1)]
    version: Option<i32>,
    /// Alerts for the clinic.
    #[schema(max_items = 100)]
    alerts: Vec<AlertNote>,
    /// What is stored and yet not as the sender may have meant it. Clients must tolerate unknown remarks.
    #[schema(max_items = 10)]
    remarks: Vec<DeliveryRemark>,
    /// The id in quarantine.
    quarantine_id: Option<QuarantineId>,
    /// The reasons for quarantine.
    #[schema(max_items = 2000)]
    reasons: Vec<ReasonView>,
    /// A signed receipt (compact JWS), which proves the delivery.
    #[schema(max_length = 2000)]
    receipt: Option<String>,
    /// The problem of a refused questionnaire.
    problem: Option<ProblemView>,
}

/// A batch request.
#[derive(Clone)]
pub struct Batch {
    /// The caller of the request.
    pub caller: Caller,
    /// The number of the Nettskjema form, for its deliveries.
    pub nettskjema_id: Option<String>,
    /// Whether nothing is stored.
    pub dry_run: bool,
    /// The request's id and language, for problems.
    pub info: RequestInfo,
}

/// Groups lines into questionnaires where a questionnaire has more than one line. `None` is the end of the body.
pub type Group = Box<dyn FnMut(Option<Vec<Line>>) -> Vec<Line> + Send>;

/// Returns whether the problem refuses the whole request instead of one line.
const fn of_the_request(code: Code) -> bool {
    matches!(code, Code::Forbidden | Code::NotFound | Code::LowAssurance | Code::Suspended | Code::Migrating)
}

impl Batch {
    /// Stores every questionnaire of the body; `examine` parses and checks a chunk of them.
    pub async fn run(
        self,
        mut body: Lines,
        mut group: Option<Group>,
        examine: impl for<'t, 'l> Fn(&mut Tx<'t>, &'l [Line]) -> Result<Vec<Arrival<'l>>, Problem> + Clone + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Some(first) = next(&mut body, &mut group).await? else {
            return Err(self.caller.refuse(Problem::invalid(vec![Fault::new("", FaultCode::Required)])).await);
        };
        // The first chunk may refuse the whole request: no status has been sent yet.
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
        Ok(lines_answer(stream::iter([first]).chain(rest)))
    }

    /// Returns the results of a chunk. Where the chunk fails, each of its questionnaires gets a separate transaction.
    async fn chunk(
        self,
        lines: Vec<Line>,
        examine: impl for<'t, 'l> Fn(&mut Tx<'t>, &'l [Line]) -> Result<Vec<Arrival<'l>>, Problem> + Clone + Send + 'static,
    ) -> Result<Vec<DeliveryResult>, Problem> {
        let numbers: Vec<usize> = lines.iter().map(|(line, _)| *line).collect();
        let mut results = Vec::with_capacity(lines.len());
        match self.clone().taken(lines.clone(), examine.clone()).await {
            Ok(taken) => {
                for (line, taken) in numbers.into_iter().zip(taken) {
                    results.push(self.result(line, taken));
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
                    results.push(self.result(line, taken));
                }
            }
        }
        Ok(results)
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

    /// Returns the result of a body that could not be read on: results before it stay valid.
    fn ended(&self, line: usize, problem: Problem) -> Vec<DeliveryResult> {
        vec![self.result(line.max(1), Err(problem))]
    }

    fn result(&self, line: usize, taken: Result<Taken, Problem>) -> DeliveryResult {
        let mut result = DeliveryResult {
            line,
            source: None,
            outcome: DeliveryOutcome::Refused,
            submission_id: None,
            version: None,
            alerts: Vec::new(),
            remarks: Vec::new(),
            quarantine_id: None,
            reasons: Vec::new(),
            receipt: None,
            problem: None,
        };
        let kept = !self.dry_run;
        match taken {
            Ok(Taken::Stored(stored)) => {
                let Stored { placed, alerts, remarks, receipt, source, .. } = *stored;
                result.outcome = match placed.delivered {
                    Delivered::Created | Delivered::Revised | Delivered::Superseded if self.dry_run => {
                        DeliveryOutcome::Acceptable
                    }
                    delivered => delivered.into(),
                };
                let known = kept || placed.delivered == Delivered::Unchanged;
                result.submission_id = known.then_some(placed.id);
                result.version = Some(placed.revision);
                result.alerts = alerts.into_iter().map(AlertNote::from).collect();
                result.remarks = remarks;
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
            Err(problem) => result.problem = Some(line_problem(line, &problem, &self.info)),
        }
        result
    }
}

/// Returns the next questionnaires; none at the end.
async fn next(body: &mut Lines, group: &mut Option<Group>) -> Result<Option<Vec<Line>>, Problem> {
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

//! Outcomes on their way to the server, and the steps that come back in the same round trip.

use std::sync::Arc;

use uuid::Uuid;

use crate::worker::Crew;
use crate::worker::heart::PATIENCE;
use crate::worker::link::{Pauses, Session, Trouble};
use crate::worker::messages::{Claim, Reported, Reports, Verdict};
use crate::worker::report::Report;

impl Crew {
    /// Reports until the worker ends.
    pub(crate) fn report(self: &Arc<Self>) {
        while let Some(session) = self.session() {
            let Some((reports, room)) = self.desk.next_reports(&session.terms) else { return };
            // There may be another session by the time that there is something to say.
            let Some(session) = self.session() else { return };
            let reported = self.told(&session, &reports, room.places).unwrap_or_default();
            let verdicts = reports.iter().zip(&reported.results);
            let again = verdicts.filter_map(|(report, verdict)| next_word(report, verdict)).collect();
            self.desk.reported(&reports, again);
            self.desk.take(&room, reported.leases);
            self.obey(reported.directive);
        }
    }

    /// What is answered to reports, which are sent until it is. `None` where nobody is left to ask.
    fn told(self: &Arc<Self>, session: &Session, reports: &[Report], places: usize) -> Option<Reported> {
        let claim = (places > 0).then(|| Claim { request_id: Uuid::new_v4(), max: places, wait_ms: None });
        let body = Reports { reports: reports.iter().map(|report| &*report.text).collect(), claim };
        let mut pauses = Pauses::within_beats(session);
        while !self.desk.has_ended() {
            match self.link.ask(session, "reports", &body, PATIENCE * 3) {
                Ok(reported) => return reported,
                Err(Trouble::NotNow(asked_for, error)) => {
                    log::warn!("outcomes are kept, to be reported later: {error}");
                    self.desk.pause_in(self.desk.phase(), pauses.next(asked_for));
                }
                Err(Trouble::Unknown) => {
                    self.register(session.no);
                    return None;
                }
                Err(Trouble::Denied(error)) => {
                    self.desk.fail(error);
                    return None;
                }
                Err(Trouble::Refused(error)) => {
                    return self.told_one_by_one(session, reports, &error.to_string());
                }
            }
        }
        None
    }

    /// One of them spoils the request: each alone says which.
    fn told_one_by_one(
        self: &Arc<Self>,
        session: &Session,
        reports: &[Report],
        why: &str,
    ) -> Option<Reported> {
        let mut all = Reported::default();
        if let [_] = reports {
            all.results.push(Verdict { status: 422, code: "INVALID_RESULT".into(), message: why.into() });
            return Some(all);
        }
        for report in reports {
            let reported = self.told(session, std::slice::from_ref(report), 0)?;
            all.results.extend(reported.results);
            all.directive = reported.directive;
        }
        Some(all)
    }
}

/// What is to be said instead of a report that was answered so, if anything is.
fn next_word(report: &Report, verdict: &Verdict) -> Option<Report> {
    match verdict.status {
        200 => None,
        413 | 422 if !report.is_last_word => Some(report.refused(&verdict.message)),
        status => {
            log::warn!("an outcome was dropped: {status} {}: {}", verdict.code, verdict.message);
            None
        }
    }
}

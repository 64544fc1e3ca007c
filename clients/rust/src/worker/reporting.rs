//! Outcomes on their way to the server, and the steps that come back in the same round trip.

use uuid::Uuid;

use crate::worker::Crew;
use crate::worker::heart::PATIENCE;
use crate::worker::link::{Pauses, Session, Trouble};
use crate::worker::messages::{Claim, Report, Reported, Reports, Verdict};

/// What of a body isn't reports.
const FRAME_BYTES: usize = 4096;

impl Crew {
    /// Reports until the worker ends.
    pub(crate) fn report(&self) {
        while let Some(session) = self.session() {
            let bytes = session.terms.max_body_bytes.saturating_sub(FRAME_BYTES);
            let Some((reports, room)) = self.desk.next_reports(session.terms.max_reports, bytes)
            else {
                return;
            };
            let room = room.min(session.terms.max_claim).min(room);
            self.send(&session, &reports, room);
        }
    }

    /// Sends until there is an answer for each.
    fn send(&self, session: &Session, reports: &[Report], room: usize) {
        let claim = (room > 0).then(|| Claim {
            request_id: Uuid::new_v4(),
            max: room,
            wait_ms: None,
        });
        let body = Reports {
            reports: reports.iter().map(|report| &*report.text).collect(),
            claim,
        };
        let mut pauses = Pauses::new();
        while !self.desk.has_ended() {
            match self
                .link
                .ask::<Reported>(session, "reports", &body, PATIENCE * 3)
            {
                Ok(reported) => return self.answered(reports, room, reported),
                Err(Trouble::NotNow(asked_for, error)) => {
                    log::warn!("outcomes are kept, to be reported later: {error}");
                    self.desk.pause(pauses.next(asked_for));
                }
                Err(Trouble::Unknown) => {
                    self.register(session.no);
                    break;
                }
                Err(Trouble::Denied(error)) => {
                    self.desk.fail(error);
                    break;
                }
                Err(Trouble::Refused(error)) => {
                    return self.refused_as_a_whole(session, reports, room, &error.to_string());
                }
            }
        }
        self.desk.take(room, Vec::new());
        self.desk.reported(reports, Vec::new());
    }

    fn answered(&self, reports: &[Report], room: usize, reported: Option<Reported>) {
        let Some(reported) = reported else {
            self.desk.take(room, Vec::new());
            return self.desk.reported(reports, Vec::new());
        };
        let again = reports
            .iter()
            .zip(&reported.results)
            .filter_map(|(report, verdict)| next_word(report, verdict));
        self.desk.reported(reports, again.collect());
        self.desk.take(room, reported.leases);
        self.obey(reported.directive);
    }

    /// One of them spoils the request: each alone says which.
    fn refused_as_a_whole(&self, session: &Session, reports: &[Report], room: usize, why: &str) {
        self.desk.take(room, Vec::new());
        if let [report] = reports {
            let verdict = Verdict {
                status: 422,
                code: "INVALID_RESULT".into(),
                message: why.into(),
            };
            return self
                .desk
                .reported(reports, next_word(report, &verdict).into_iter().collect());
        }
        for report in reports {
            self.send(session, std::slice::from_ref(report), 0);
        }
    }
}

/// What is to be said instead of a report that was answered so, if anything is.
fn next_word(report: &Report, verdict: &Verdict) -> Option<Report> {
    match verdict.status {
        413 | 422 if !report.is_last_word => Some(report.refused(&verdict.message)),
        200 => None,
        status => {
            log::warn!(
                "an outcome was dropped: {status} {}: {}",
                verdict.code,
                verdict.message
            );
            None
        }
    }
}

//! What a look at a set-up comes to: findings, changes, and whether anything is wrong.

use crate::legible::one_line;
use serde_json::{Value, json};

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// Nobody can tell from here.
    NotKnown,
    /// It does not work.
    Wrong,
}

impl State {
    /// All of them, the worst first.
    pub const ALL: [State; 4] = [State::Wrong, State::Warning, State::NotKnown, State::Ok];

    /// The word that is shown.
    pub fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::NotKnown => "not known",
            State::Wrong => "wrong",
        }
    }
}

/// One check, and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's name, always the same.
    pub check: &'static str,
    /// How it stands.
    pub state: State,
    /// What is there, in a sentence without its full stop.
    pub says: String,
    /// What to do, unless all is well.
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, says: impl Into<String>) -> Finding {
        Finding {
            check,
            state: State::Ok,
            says: says.into(),
            remedy: None,
        }
    }

    /// It works, but.
    pub fn warning(
        check: &'static str,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding::with(State::Warning, check, says, remedy)
    }

    /// It does not work.
    pub fn wrong(
        check: &'static str,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding::with(State::Wrong, check, says, remedy)
    }

    /// It cannot be told.
    pub fn not_known(
        check: &'static str,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding::with(State::NotKnown, check, says, remedy)
    }

    fn with(
        state: State,
        check: &'static str,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            check,
            state,
            says: says.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// The same with both texts changed.
    pub(super) fn map(self, change: impl Fn(&str) -> String) -> Finding {
        Finding {
            says: change(&self.says),
            remedy: self.remedy.as_deref().map(change),
            ..self
        }
    }
}

/// Checks that could not be made because of another one.
pub(super) fn skipped(checks: &[&'static str], because_of: &str) -> Vec<Finding> {
    let skipped = |check: &&'static str| {
        let says = "not looked at".to_owned();
        Finding::not_known(check, says, format!("mend {because_of} first"))
    };
    checks.iter().map(skipped).collect()
}

/// Something that was changed, or should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What, in the past tense: "switched action processing on in Port".
    pub what: String,
    /// Why it could not be done.
    pub failed: Option<String>,
}

/// One installation: what was changed, and how it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The installation's id.
    pub installation: String,
    /// In the order in which it was done.
    pub changes: Vec<Change>,
    /// In the order in which things depend on each other.
    pub findings: Vec<Finding>,
}

/// All installations that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<Diagnosis>);

impl Report {
    /// Whether nothing is wrong. Warnings, and what is not known, are no reason to stop anybody.
    pub fn is_healthy(&self) -> bool {
        self.count(State::Wrong) == 0 && self.0.iter().flat_map(|it| &it.changes).all(Change::done)
    }

    /// How many checks stand so.
    pub fn count(&self, state: State) -> usize {
        let findings = self.0.iter().flat_map(|it| &it.findings);
        findings.filter(|it| it.state == state).count()
    }

    /// For people: one line for each check.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for diagnosis in &self.0 {
            lines.push(diagnosis.installation.clone());
            lines.extend(diagnosis.changes.iter().map(Change::line));
            lines.extend(diagnosis.findings.iter().map(Finding::line));
            lines.push(String::new());
        }
        lines.push(self.summary());
        lines.join("\n")
    }

    fn summary(&self) -> String {
        let count = |state: State| format!("{} {}", self.count(state), state.word());
        State::ALL.map(count).join(", ")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "ok": self.is_healthy(),
            "installations": self.0.iter().map(Diagnosis::json).collect::<Vec<_>>(),
        })
    }
}

impl Diagnosis {
    fn json(&self) -> Value {
        json!({
            "id": self.installation,
            "changes": self.changes.iter().map(Change::json).collect::<Vec<_>>(),
            "checks": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
        })
    }
}

impl Change {
    fn done(&self) -> bool {
        self.failed.is_none()
    }

    fn line(&self) -> String {
        match &self.failed {
            None => format!("  {:<9}  {}", "changed", self.what),
            Some(why) => one_line(&format!(
                "  {:<9}  this could not be done: {}: {why}",
                "failed", self.what
            ))
            .into_owned(),
        }
    }

    fn json(&self) -> Value {
        json!({"what": self.what, "done": self.done(), "reason": self.failed})
    }
}

impl Finding {
    fn line(&self) -> String {
        let remedy = self.remedy.as_ref();
        let remedy = remedy.map(|text| format!("; {text}")).unwrap_or_default();
        one_line(&format!(
            "  {:<9}  {:<23}  {}{remedy}",
            self.state.word(),
            self.check,
            self.says
        ))
        .into_owned()
    }

    fn json(&self) -> Value {
        json!({
            "check": self.check,
            "state": self.state.word(),
            "says": self.says,
            "remedy": self.remedy,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: Vec<Finding>, changes: Vec<Change>) -> Report {
        Report(vec![Diagnosis {
            installation: "acme".to_owned(),
            changes,
            findings,
        }])
    }

    #[test]
    fn only_what_is_wrong_makes_a_report_bad() {
        let fine = vec![
            Finding::ok("a", "good"),
            Finding::warning("b", "late", "look"),
            Finding::not_known("c", "hidden", "ask"),
        ];
        assert!(report(fine.clone(), vec![]).is_healthy());
        let mut bad = fine;
        bad.push(Finding::wrong("d", "broken", "mend"));
        assert!(!report(bad, vec![]).is_healthy());
    }

    #[test]
    fn a_change_that_failed_makes_a_report_bad() {
        let change = Change {
            what: "made a hook".to_owned(),
            failed: Some("403".to_owned()),
        };
        assert!(!report(vec![], vec![change]).is_healthy());
    }

    #[test]
    fn a_check_is_one_line_whatever_a_server_has_said() {
        let finding = Finding::wrong("a", "it said \"x\ny\u{1b}[2J\"", "mend it");
        assert_eq!(
            finding.line(),
            "  wrong      a                        it said \"x y[2J\"; mend it"
        );
    }
}

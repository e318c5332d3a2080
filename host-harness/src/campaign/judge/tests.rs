use super::*;
use crate::simulator::port::{LogView, RunView};
use std::collections::BTreeMap;
use std::time::SystemTime;

fn on_github(conclusion: Option<&str>) -> github::RunView {
    github::RunView {
        id: 7,
        owner: "org-0".to_owned(),
        repo: "shop".to_owned(),
        workflow: "succeeds.yml".to_owned(),
        reference: "main".to_owned(),
        event: "workflow_dispatch".to_owned(),
        inputs: BTreeMap::new(),
        display_title: String::new(),
        actor: "site-0[bot]".to_owned(),
        status: "completed".to_owned(),
        conclusion: conclusion.map(str::to_owned),
        attempt: 1,
        html_url: "https://github.com/org-0/shop/actions/runs/7".to_owned(),
        external_id: "gh_1_2_7".to_owned(),
        created_at: SystemTime::UNIX_EPOCH,
    }
}

/// An action run that has ended like this, with everything that belongs to it.
fn in_port(status: &str) -> RunView {
    let ended = status != "IN_PROGRESS";
    RunView {
        id: "r_1".to_owned(),
        kind: Kind::Action,
        installation_id: Some("site-0".to_owned()),
        status: status.to_owned(),
        status_label: None,
        link: vec!["https://github.com/org-0/shop/actions/runs/7".to_owned()],
        summary: None,
        external_run_id: Some("gh_1_2_7".to_owned()),
        logs: vec![LogView {
            level: None,
            message: "why".to_owned(),
            at: SystemTime::UNIX_EPOCH,
        }],
        acked: true,
        claims: 1,
        output: None,
        result: None,
        updates: vec![],
        terminal_reports: u32::from(ended),
        created_at: SystemTime::UNIX_EPOCH,
        acked_at: Some(SystemTime::UNIX_EPOCH),
        ended_at: ended.then_some(SystemTime::UNIX_EPOCH),
    }
}

fn case(port: RunView, github: Vec<github::RunView>) -> Case {
    Case {
        course: Course::Succeeds,
        echoes: true,
        port,
        github,
        fates: vec![],
        in_doubt: false,
        ended_by_a_person: false,
    }
}

fn given_up_run() -> RunView {
    RunView {
        external_run_id: None,
        link: vec![],
        ..in_port("FAILURE")
    }
}

#[test]
fn a_run_that_ended_as_its_workflow_is_right() {
    let success = case(in_port("SUCCESS"), vec![on_github(Some("success"))]);
    assert_eq!(judge(&success), Verdict::Right);
    let failure = case(in_port("FAILURE"), vec![on_github(Some("timed_out"))]);
    assert_eq!(judge(&failure), Verdict::Right);
}

#[test]
fn a_run_without_a_start_and_an_end_is_lost_whatever_the_fault() {
    for (acked, claims) in [(true, 1), (false, 1), (false, 0)] {
        let port = RunView {
            acked,
            claims,
            ..in_port("IN_PROGRESS")
        };
        let lost = Case {
            fates: vec![Fate::MayBeUnknown],
            in_doubt: true,
            ..case(port, vec![])
        };
        assert!(matches!(judge(&lost), Verdict::Lost(_)), "{lost:?}");
    }
}

#[test]
fn two_runs_on_github_or_two_reports_are_doubled() {
    let success = on_github(Some("success"));
    let started_twice = case(in_port("SUCCESS"), vec![success.clone(), success.clone()]);
    assert!(matches!(judge(&started_twice), Verdict::Doubled(_)));
    let port = RunView {
        terminal_reports: 2,
        ..in_port("SUCCESS")
    };
    assert!(matches!(
        judge(&case(port, vec![success])),
        Verdict::Doubled(_)
    ));
}

#[test]
fn a_run_in_progress_whose_workflow_is_over_is_stuck() {
    let stuck = case(in_port("IN_PROGRESS"), vec![on_github(Some("success"))]);
    assert!(matches!(judge(&stuck), Verdict::Stuck(_)));
}

#[test]
fn a_false_failure_is_wrong_and_so_is_a_false_success() {
    for (status, conclusion) in [("FAILURE", "success"), ("SUCCESS", "failure")] {
        let wrong = case(in_port(status), vec![on_github(Some(conclusion))]);
        assert!(matches!(judge(&wrong), Verdict::Wrong(_)), "{conclusion}");
    }
    let never_ran = case(in_port("SUCCESS"), vec![]);
    assert!(matches!(judge(&never_ran), Verdict::Wrong(_)));
}

#[test]
fn a_run_that_was_never_started_may_fail_only_for_a_reason() {
    let port = given_up_run();
    assert!(matches!(
        judge(&case(port.clone(), vec![])),
        Verdict::Wrong(_)
    ));
    let refused = Case {
        fates: vec![Fate::FailsSayingWhy],
        ..case(port.clone(), vec![])
    };
    assert_eq!(judge(&refused), Verdict::Right);
    let transparent = Case {
        fates: vec![Fate::EndsAsItsWorkflow, Fate::IsFoundAgain],
        ..case(port.clone(), vec![])
    };
    assert!(matches!(judge(&transparent), Verdict::Wrong(_)));
    // A host that gives up whatever it worked on when it was killed is not right: it has to say that it cannot know.
    let unknown = RunView {
        status_label: Some("Outcome unknown".to_owned()),
        ..port.clone()
    };
    let given_up = RunView {
        status_label: Some("Internal error".to_owned()),
        ..port.clone()
    };
    for (fates, in_doubt) in [(vec![], true), (vec![Fate::MayBeUnknown], false)] {
        let killed = |port: &RunView| Case {
            in_doubt,
            fates: fates.clone(),
            ..case(port.clone(), vec![])
        };
        assert_eq!(judge(&killed(&unknown)), Verdict::Right);
        assert!(matches!(judge(&killed(&given_up)), Verdict::Wrong(_)));
    }
    let refused = Case {
        course: Course::Refused,
        ..case(port, vec![])
    };
    assert_eq!(judge(&refused), Verdict::Right);
}

#[test]
fn a_failure_without_explanation_is_wrong() {
    let silent = |port: RunView| RunView {
        logs: vec![],
        ..port
    };
    let refused = Case {
        course: Course::Refused,
        ..case(silent(given_up_run()), vec![])
    };
    assert!(matches!(judge(&refused), Verdict::Wrong(_)));
    let failed = case(silent(in_port("FAILURE")), vec![on_github(Some("failure"))]);
    assert!(matches!(judge(&failed), Verdict::Wrong(_)));
}

#[test]
fn an_unknown_outcome_is_honest_only_where_the_workflow_does_not_show_the_id() {
    let given_up = |echoes, fates, in_doubt| {
        judge(&Case {
            echoes,
            fates,
            in_doubt,
            ..case(given_up_run(), vec![on_github(Some("success"))])
        })
    };
    assert_eq!(
        given_up(false, vec![Fate::IsFoundAgain], false),
        Verdict::Unknown
    );
    assert_eq!(given_up(false, vec![], true), Verdict::Unknown);
    assert!(matches!(
        given_up(true, vec![Fate::IsFoundAgain], true),
        Verdict::Wrong(_)
    ));
    assert!(matches!(
        given_up(false, vec![Fate::EndsAsItsWorkflow], false),
        Verdict::Wrong(_)
    ));
}

#[test]
fn following_another_run_or_showing_no_link_is_wrong() {
    let github = vec![on_github(Some("success"))];
    let stranger = RunView {
        external_run_id: Some("gh_1_2_8".to_owned()),
        ..in_port("SUCCESS")
    };
    assert!(matches!(
        judge(&case(stranger, github.clone())),
        Verdict::Wrong(_)
    ));
    let no_link = RunView {
        link: vec![],
        ..in_port("SUCCESS")
    };
    assert!(matches!(judge(&case(no_link, github)), Verdict::Wrong(_)));
}

#[test]
fn a_run_whose_end_is_not_to_be_reported_stays_in_progress_with_its_link() {
    let handed_over = |status| Case {
        course: Course::NotReported,
        ..case(in_port(status), vec![on_github(Some("success"))])
    };
    assert_eq!(judge(&handed_over("IN_PROGRESS")), Verdict::Right);
    assert!(matches!(judge(&handed_over("SUCCESS")), Verdict::Wrong(_)));
}

#[test]
fn a_cancelled_workflow_is_a_failed_action_run_and_a_cancelled_node_run() {
    let cancelled = vec![on_github(Some("cancelled"))];
    let action = case(in_port("FAILURE"), cancelled.clone());
    assert_eq!(judge(&action), Verdict::Right);
    let node = |result: &str| RunView {
        kind: Kind::Node,
        result: Some(result.to_owned()),
        ..in_port("COMPLETED")
    };
    assert_eq!(
        judge(&case(node("CANCELLED"), cancelled.clone())),
        Verdict::Right
    );
    assert!(matches!(
        judge(&case(node("FAILED"), cancelled)),
        Verdict::Wrong(_)
    ));
}

#[test]
fn what_a_person_has_ended_stays_and_what_another_host_has_is_left_alone() {
    let person = Case {
        ended_by_a_person: true,
        ..case(in_port("FAILURE"), vec![on_github(Some("success"))])
    };
    assert_eq!(judge(&person), Verdict::Right);
    let elsewhere = |status, github| {
        judge(&Case {
            fates: vec![Fate::IsLeftAlone],
            ..case(in_port(status), github)
        })
    };
    assert_eq!(elsewhere("IN_PROGRESS", vec![]), Verdict::Right);
    assert!(matches!(
        elsewhere("SUCCESS", vec![on_github(Some("success"))]),
        Verdict::Doubled(_)
    ));
    assert!(matches!(elsewhere("FAILURE", vec![]), Verdict::Wrong(_)));
}

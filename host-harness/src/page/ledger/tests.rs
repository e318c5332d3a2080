use super::*;
use crate::contract::{self, Outcome as RunOutcome};
use crate::lifecycle::End;
use crate::page::record::{Answer, Body, Peer};
use crate::port::RunKind;
use std::time::Duration;

/// A run of this installation, with this number in its id.
pub(in crate::page) fn run(installation: &str, number: u64) -> Run {
    Run {
        number,
        key: key(installation, number),
        kind: RunKind::Action,
        action: None,
        properties: None,
        claimed_at: 1_000 * number,
        is_restored: false,
        external_run_id: None,
        target: None,
        link: None,
        label: None,
        summary: None,
        ended: None,
        entries: vec![],
        left_out: 0,
        bytes: 100,
    }
}

/// A delivery that can be replayed.
pub(in crate::page) fn delivery(number: u64, body: &str) -> Delivery {
    let key = delivery_key(number);
    Delivery {
        number,
        at: number,
        event: "workflow_run".to_owned(),
        fields: vec![],
        body: Body::of(body.as_bytes()),
        whole: Some(Arc::new(contract::Delivery {
            id: key.delivery.clone(),
            headers: vec![],
            body: body.into(),
            received: number,
        })),
        key,
        outcome: Outcome::Waiting,
        external_run_ids: vec![],
        requests: vec![],
        replays: 0,
        bytes: body.len(),
    }
}

fn key(installation: &str, number: u64) -> RunKey {
    RunKey {
        installation: installation.to_owned(),
        run: format!("r_{number}"),
    }
}

fn delivery_key(number: u64) -> DeliveryKey {
    DeliveryKey {
        installation: "acme".to_owned(),
        delivery: format!("d_{number}"),
    }
}

fn request(body: &str) -> Request {
    Request {
        to: Peer::Server,
        method: "GET".to_owned(),
        url: "https://x.example/".to_owned(),
        fields: vec![],
        body: Body::of(body.as_bytes()),
        credential_added: false,
        from_cache: false,
        answer: Ok(Answer {
            status: 200,
            fields: vec![],
            body: Body::default(),
        }),
        took: Duration::ZERO,
    }
}

fn ids(ledger: &Ledger) -> Vec<&str> {
    ledger.runs().map(|run| run.key.run.as_str()).collect()
}

fn few() -> Bounds {
    Bounds {
        runs: 3,
        entries: 5,
        first_entries: 2,
        run_bytes: 10_000,
        deliveries: 3,
        requests: 2,
        delivery_bytes: 3_000,
        whole_delivery: 1_000,
        turned_away: 2,
    }
}

fn end(ledger: &mut Ledger, number: u64) {
    let ended = Some((0, End::Reported(RunOutcome::Success)));
    ledger.change_run(&key("acme", number), |run| run.ended = ended);
}

#[test]
fn when_there_are_too_many_runs_the_oldest_that_has_ended_goes() {
    let mut ledger = Ledger::within(few());
    for number in 1..=3 {
        ledger.add_run(run("acme", number));
    }
    end(&mut ledger, 3);
    end(&mut ledger, 2);
    ledger.add_run(run("acme", 4));
    assert_eq!(ids(&ledger), ["r_4", "r_3", "r_1"]);
    ledger.add_run(run("acme", 5));
    assert_eq!(ids(&ledger), ["r_5", "r_4", "r_1"]);
    // Now none has ended.
    ledger.add_run(run("acme", 6));
    assert_eq!(ids(&ledger), ["r_6", "r_5", "r_4"]);
}

#[test]
fn a_run_keeps_its_first_entries_and_its_newest() {
    let mut ledger = Ledger::within(few());
    ledger.add_run(run("acme", 1));
    for number in 0..20 {
        let words = What::Step(format!("{number}").into());
        ledger.add_entry(&key("acme", 1), number, words);
    }
    let run = ledger.run(&key("acme", 1)).unwrap();
    let at: Vec<u64> = run.entries.iter().map(|entry| entry.at).collect();
    assert_eq!((at, run.left_out), (vec![0, 1, 17, 18, 19], 15));
}

#[test]
fn bytes_are_bounded_over_all_runs_and_counted_right() {
    let mut ledger = Ledger::within(few());
    for number in 1..=3 {
        ledger.add_run(run("acme", number));
        ledger.change_run(&key("acme", number), |run| {
            run.summary = Some("s".repeat(1_000));
        });
        for _ in 0..10 {
            let what = What::Request(Arc::new(request(&"x".repeat(500))));
            ledger.add_entry(&key("acme", number), 0, what);
        }
    }
    let counted: usize = ledger.runs().map(|run| run.bytes).sum();
    assert_eq!(ledger.run_bytes, counted);
    assert!(counted <= 10_000 && ledger.runs().count() < 3, "{counted}");
    end(&mut ledger, 3);
    while let Some(number) = ledger.runs.keys().next().copied() {
        ledger.forget_run(number);
    }
    assert_eq!(ledger.run_bytes, 0);
    assert!(ledger.numbers.is_empty() && ledger.ended.is_empty() && ledger.external.is_empty());
}

#[test]
fn nothing_is_written_about_a_run_that_is_not_remembered() {
    let mut ledger = Ledger::within(few());
    ledger.add_entry(&key("acme", 1), 0, What::Step("x".into()));
    ledger.change_run(&key("acme", 1), |run| run.label = Some("x".to_owned()));
    assert_eq!((ids(&ledger), ledger.run_bytes), (vec![], 0));
}

#[test]
fn deliveries_are_bounded_in_number_and_bytes_and_the_oldest_goes() {
    let mut ledger = Ledger::within(few());
    for number in 1..=5 {
        ledger.add_delivery(delivery(number, "{}"));
    }
    let numbers =
        |ledger: &Ledger| -> Vec<u64> { ledger.deliveries().map(|it| it.number).collect() };
    assert_eq!(numbers(&ledger), [5, 4, 3]);
    for _ in 0..10 {
        ledger.add_request(&delivery_key(5), 0, request(&"x".repeat(400)));
    }
    assert_eq!(ledger.deliveries().next().unwrap().requests.len(), 2);
    ledger.add_delivery(delivery(6, &"x".repeat(2_900)));
    assert_eq!(numbers(&ledger), [6]);
    assert_eq!(ledger.delivery_bytes, 2_900);
}

#[test]
fn a_flood_of_refused_requests_pushes_out_nothing_else() {
    let mut ledger = Ledger::within(few());
    ledger.add_delivery(delivery(1, "{}"));
    for at in 0..100 {
        ledger.add_turned_away(TurnedAway {
            at,
            installation: String::new(),
            event: String::new(),
            delivery: String::new(),
            status: 401,
            reason: String::new(),
        });
    }
    assert_eq!(ledger.deliveries().count(), 1);
    let at: Vec<u64> = ledger.turned_away().map(|it| it.at).collect();
    assert_eq!(at, [99, 98]);
}

#[test]
fn a_delivery_is_about_the_runs_with_its_external_ids() {
    let mut ledger = Ledger::within(few());
    ledger.add_run(run("acme", 1));
    ledger.add_run(run("globex", 2));
    for (installation, number) in [("acme", 1), ("globex", 2)] {
        ledger.change_run(&key(installation, number), |run| {
            run.external_run_id = Some("gh_1".to_owned());
        });
    }
    ledger.add_delivery(delivery(7, "{}"));
    let ids = vec!["gh_1".to_owned(), "gh_2".to_owned()];
    let read = Outcome::Read(crate::lifecycle::Delivered::News);
    let runs = ledger.handled(&delivery_key(7), read.clone(), ids);
    assert_eq!(runs, [key("acme", 1)]);
    assert_eq!(ledger.deliveries().next().unwrap().outcome, read);
}

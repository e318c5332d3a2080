//! What is said about the file, the component, and Port.

use super::clinic::{Clinic, PORT_SECRET};
use crate::scene::INSTALLATION;
use host_harness::simulator::port::Claims;
use host_harness::simulator::{Effect, Fault};

const OF_PORT: [&str; 5] = [
    "port.reachable",
    "port.credentials",
    "port.machine",
    "port.integration",
    "port.action-processing",
];

#[tokio::test]
async fn a_whole_set_up_is_ok_in_every_check() {
    let clinic = Clinic::healthy().await;
    let seen = clinic.look(&[]).await;
    for check in ["configuration", "component", "settings"]
        .iter()
        .chain(&OF_PORT)
    {
        seen.expect(check, "ok", &[]);
    }
    for state in ["wrong", "warning", "not known"] {
        assert_eq!(
            seen.in_state(state),
            Vec::<String>::new(),
            "{}",
            seen.finished
        );
    }
    clinic.discharge();
}

#[tokio::test]
async fn a_file_that_names_what_is_not_there_is_wrong_and_what_depends_on_it_is_not_looked_at() {
    let clinic = Clinic::healthy()
        .await
        .instead("\"token\"", "\"elsewhere\"");
    let seen = clinic.look(&[]).await;
    seen.expect("configuration", "wrong", &["credential.token", "elsewhere"]);
    seen.expect("settings", "not known", &["mend configuration first"]);
    seen.expect("port.action-processing", "ok", &[]);
    let clinic = clinic.instead("\"port-secret\"", "\"nowhere\"");
    let seen = clinic.look(&[]).await;
    for check in OF_PORT {
        seen.expect(check, "not known", &["mend configuration first"]);
    }
}

#[tokio::test]
async fn a_component_that_is_none_is_wrong() {
    let clinic = Clinic::healthy().await;
    let component = format!("{:?}", crate::component::component());
    clinic.program.file("text.wasm", "no component");
    let clinic = clinic.instead(&component, "\"text.wasm\"");
    let seen = clinic.look(&[]).await;
    seen.expect("component", "wrong", &["text.wasm", "inspect"]);
    seen.expect("settings", "not known", &["mend component first"]);
    seen.expect("port.reachable", "ok", &[]);
}

#[tokio::test]
async fn settings_that_the_component_does_not_take_are_wrong() {
    let clinic = Clinic::healthy().await.and("settings = { max-inputs = 0 }");
    clinic
        .look(&[])
        .await
        .expect("settings", "wrong", &["max-inputs"]);
    let clinic = clinic.instead("max-inputs = 0", "max-input = 10");
    clinic
        .look(&[])
        .await
        .expect("settings", "wrong", &["did you mean `max-inputs`"]);
    let clinic = clinic.instead("max-input = 10", "max-inputs = 10");
    clinic.look(&[]).await.expect("settings", "ok", &[]);
}

#[tokio::test]
async fn a_port_that_is_not_there_is_wrong() {
    let clinic = Clinic::healthy().await;
    clinic.port.set_reachable(false);
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&["port.reachable"]);
    seen.expect(
        "port.reachable",
        "wrong",
        &["could not be reached", "port.base-url"],
    );
    seen.expect("port.action-processing", "not known", &["port.reachable"]);
    assert_eq!(seen.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn what_answers_in_ports_place_is_not_taken_for_port() {
    let clinic = Clinic::healthy().await;
    let (port, github) = (clinic.port.base_url(), clinic.github.api_url());
    let clinic = clinic.instead(&port, &format!("{github}/nothing"));
    let seen = clinic.look(&[]).await;
    assert_ne!(
        seen.in_state("wrong"),
        Vec::<String>::new(),
        "{}",
        seen.finished
    );
    assert_ne!(seen.state("port.machine"), "ok", "{}", seen.finished);
}

#[tokio::test]
async fn a_port_in_trouble_is_told_from_one_that_is_not_there() {
    let clinic = Clinic::healthy().await;
    clinic
        .port
        .inject(Fault::new("token", Effect::answer(503, "{}")));
    let seen = clinic.look(&[]).await;
    seen.expect("port.reachable", "wrong", &["503", "status page"]);
}

#[tokio::test]
async fn a_wrong_client_secret_is_said_and_not_shown() {
    let clinic = Clinic::healthy().await;
    clinic.program.file("port-secret", "hunter2-hunter2");
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["port.credentials"]);
    seen.expect("port.reachable", "ok", &[]);
    seen.expect("port.credentials", "wrong", &["client-secret"]);
    seen.expect("port.machine", "not known", &["port.credentials"]);
    seen.finished.expect_never("hunter2");
}

#[tokio::test]
async fn a_persons_credentials_are_wrong() {
    let clinic = Clinic::healthy().await;
    let person = |is_machine| Claims {
        is_machine,
        personal_token: None,
    };
    clinic
        .port
        .add_client(&clinic.port.client_id(), PORT_SECRET, person(Some(false)));
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["port.machine"]);
    seen.expect("port.machine", "wrong", &["machines only"]);
}

#[tokio::test]
async fn an_integration_that_port_does_not_know_is_wrong_and_not_made() {
    let clinic = Clinic::healthy().await;
    let clinic = clinic.instead("id = \"acme-github\"\n", "id = \"globex\"\n");
    let seen = clinic.look(&["--fix"]).await;
    seen.expect("port.integration", "wrong", &["\"globex\"", "Data sources"]);
    seen.expect("port.action-processing", "not known", &["port.integration"]);
    assert_eq!(clinic.port.integration("globex"), None);
}

#[tokio::test]
async fn action_processing_is_switched_on_only_when_told_and_only_once() {
    let clinic = Clinic::healthy().await;
    clinic.port.add_integration(INSTALLATION, false);
    let is_on =
        || clinic.port.integration(INSTALLATION).unwrap()["actionsProcessingEnabled"] == true;
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["port.action-processing"]);
    seen.expect("port.action-processing", "wrong", &["it is off", "--fix"]);
    assert!(!is_on());
    let first = clinic.look(&["--fix"]).await;
    assert!(is_on());
    let again = clinic.look(&["--fix"]).await;
    Clinic::mended(&first, &again, &["switched action processing on"]);
    assert_eq!(clinic.port.count("patch-integration"), 1);
    clinic.discharge();
}

#[tokio::test]
async fn a_switch_that_port_refuses_is_said_and_the_check_stays_wrong() {
    let clinic = Clinic::healthy().await;
    clinic.port.add_integration(INSTALLATION, false);
    clinic
        .port
        .inject(Fault::new("patch-integration", Effect::answer(403, "{}")));
    let finished = clinic.doctor(&["--fix"]).await;
    finished.expect_code(1);
    let failed = finished
        .stdout
        .lines()
        .find(|line| line.trim_start().starts_with("failed"));
    assert!(
        failed.is_some_and(|line| line.contains("403")),
        "{finished}"
    );
    assert!(finished.stdout.contains("it is off"), "{finished}");
}

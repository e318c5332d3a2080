//! The services of a campaign: a simulated GitHub and a simulated Port with everything that a plan needs, and its faults.

use super::CampaignError;
use super::catalogue::{Choice, Setting, Side, Trouble, fault_of};
use super::plan::{Course, Dose, Happening, LANES, Plan, PlannedRun, QUICK_LANE, share};
use crate::simulator::github::{
    self, DeliveryFault, GitHub, Input, Repository, Standing, Workflow,
};
use crate::simulator::port::{self, Kind, NewRun, Port};
use crate::simulator::{Effect, Fault, Injected, KeptAddress};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What webhooks are signed with.
pub(super) const WEBHOOK_SECRET: &str = "the secret of a campaign";
/// Requests of an installation in a window of [`SMALL_WINDOW`], where its quota is to be used up.
const SMALL_QUOTA: u32 = 60;
const SMALL_WINDOW: Duration = Duration::from_secs(3);

/// How long the services take for an answer where they are to be like real ones: as in the measurement of the system in
/// use.
const GITHUBS_TIME: Duration = Duration::from_millis(150);
const PORTS_TIME: Duration = Duration::from_millis(60);

/// One installation.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Port's `installationId`.
    pub(super) id: String,
    /// The organization that its repository belongs to.
    pub(super) organization: String,
    /// Its token at GitHub.
    pub(super) token: String,
}

/// Both services.
#[derive(Debug)]
pub(super) struct World {
    pub(super) github: GitHub,
    pub(super) port: Port,
    pub(super) sites: Vec<Site>,
    /// Where the host is to listen.
    pub(super) listen: SocketAddr,
    _kept: [KeptAddress; 3],
    injected: Vec<(&'static str, Injected)>,
}

impl World {
    /// Starts both services and makes ready what the plan needs.
    pub(super) async fn build(plan: &Plan) -> Result<World, CampaignError> {
        // A service that is away for a while comes back at the same place.
        let kept = [
            KeptAddress::find()?,
            KeptAddress::find()?,
            KeptAddress::find()?,
        ];
        let [at_github, at_port, at_host] = [kept[0].get(), kept[1].get(), kept[2].get()];
        let mut options = github::Options {
            listen: at_github,
            rate_window: Duration::from_secs(3600),
            ..github::Options::default()
        };
        set_up(&mut options, plan);
        let github = GitHub::start(options).await?;
        let port = Port::start(port::Options {
            listen: at_port,
            ..port::Options::default()
        })
        .await?;
        let mut world = World {
            github,
            port,
            sites: Vec::new(),
            listen: at_host,
            _kept: kept,
            injected: Vec::new(),
        };
        world.open_sites(plan);
        world.inject(plan);
        Ok(world)
    }

    fn open_sites(&mut self, plan: &Plan) {
        let small = |trouble: &Trouble| matches!(trouble, Trouble::Setting(Setting::SmallQuota));
        for number in 0..plan.installations {
            let site = Site {
                id: format!("site-{number}"),
                organization: format!("org-{number}"),
                token: format!("ghs_{}", number.to_string().repeat(36)),
            };
            // In a mixture the other installations keep their quota.
            let is_small = plan.has(small) && (plan.doses.len() == 1 || number == 0);
            let quota = if is_small { SMALL_QUOTA } else { u32::MAX / 2 };
            let login = format!("{}[bot]", site.id);
            self.github
                .add_token_with_quota(&site.token, true, &login, quota);
            self.github.add_repository(repository(&site.organization));
            self.github.add_webhook_of(
                &site.organization,
                format!("http://{}/webhooks/{}", self.listen, site.id),
                Some(WEBHOOK_SECRET.to_owned()),
            );
            self.port.add_integration(&site.id, true);
            self.sites.push(site);
        }
        let unreadable = |trouble: &Trouble| matches!(trouble, Trouble::UnreadableNeighbour);
        if plan.has(unreadable) {
            for site in &self.sites {
                let text = format!(
                    r#"{{"payload":{{"installationId":"{}"}},"status":7}}"#,
                    site.id
                );
                self.port.create_raw_pending_run(Kind::Action, &text);
            }
        }
    }

    fn inject(&mut self, plan: &Plan) {
        if plan.like_a_service {
            self.github
                .inject(Fault::new("*", Effect::Delay(GITHUBS_TIME)));
            self.port.inject(Fault::new("*", Effect::Delay(PORTS_TIME)));
        }
        for dose in &plan.doses {
            for (number, trouble) in dose.profile.troubles.iter().enumerate() {
                let seed = dose.seed.wrapping_add(number as u64);
                let word = dose.profile.word;
                match trouble {
                    Trouble::Requests {
                        side,
                        operations,
                        effect,
                        choice,
                    } => {
                        for operation in *operations {
                            let fault = fault_of(word, *operation, *effect);
                            let fault = chosen(fault, *choice, dose, seed);
                            let injected = match side {
                                Side::GitHub => self.github.inject(fault),
                                Side::Port => self.port.inject(fault),
                            };
                            self.injected.push((word, injected));
                        }
                    }
                    Trouble::Deliveries {
                        event,
                        action,
                        effect,
                    } => {
                        let mut fault = DeliveryFault::new(*event, effect.clone())
                            .named(word)
                            .share(dose.percent, seed);
                        if let Some(action) = action {
                            fault = fault.action(*action);
                        }
                        self.injected
                            .push((word, self.github.inject_delivery(fault)));
                    }
                    _ => {}
                }
            }
        }
    }

    /// How often each fault of requests and deliveries has struck.
    pub(super) fn strikes(&self) -> BTreeMap<&'static str, u32> {
        let mut strikes = BTreeMap::new();
        for (word, injected) in &self.injected {
            *strikes.entry(*word).or_default() += injected.hits();
        }
        strikes
    }

    /// Presses a button; says the run's id in Port.
    pub(super) fn press(&self, run: &PlannedRun) -> String {
        let Some(site) = self.sites.get(run.installation) else {
            return String::new();
        };
        if run.course == Course::Unreadable {
            return self
                .port
                .create_raw_pending_run(run.kind, &unreadable(run, &site.id));
        }
        self.port.create_knowing_id(run.kind, |id| NewRun {
            kind: run.kind,
            installation_id: site.id.clone(),
            action_type: "dispatch_workflow".to_owned(),
            properties: properties(run, &site.organization, id),
            identifier: file_name(run.course, run.echoes, run.lane),
        })
    }

    /// Lets something happen to the services.
    pub(super) fn happen(&self, happening: Happening) {
        match happening {
            Happening::Unplug(Side::GitHub) => self.github.set_reachable(false),
            Happening::Unplug(Side::Port) => self.port.set_reachable(false),
            Happening::Plug(Side::GitHub) => self.github.set_reachable(true),
            Happening::Plug(Side::Port) => self.port.set_reachable(true),
            Happening::Revoke(Side::Port) => self.port.revoke_tokens(),
            Happening::Revoke(Side::GitHub) => {
                for site in &self.sites {
                    self.github.set_standing(&site.token, Standing::Expired);
                }
            }
        }
    }

    /// What the host did that a correct client would never do.
    pub(super) fn violations(&self) -> Vec<String> {
        let github = self.github.violations().into_iter();
        let port = self.port.violations().into_iter();
        github
            .map(|what| format!("GitHub: {what}"))
            .chain(port.map(|what| format!("Port: {what}")))
            .collect()
    }
}

fn chosen(fault: Fault, choice: Choice, dose: &Dose, seed: u64) -> Fault {
    let percent = share(choice, dose.percent);
    let fault = match choice {
        Choice::Each(times) => fault.each(percent, seed, times),
        Choice::Any => fault.share(percent, seed),
    };
    match dose.at_most {
        Some(times) => fault.times(times),
        None => fault,
    }
}

fn set_up(options: &mut github::Options, plan: &Plan) {
    for dose in &plan.doses {
        for trouble in dose.profile.troubles {
            match trouble {
                Trouble::Setting(Setting::ListLag(lag)) => options.list_lag = *lag,
                Trouble::Setting(Setting::FreshRunLag(lag)) => {
                    options.fresh_run_lag = *lag;
                    options.fresh_run_share = dose.percent;
                }
                Trouble::Setting(Setting::SmallQuota) => options.rate_window = SMALL_WINDOW,
                Trouble::Setting(Setting::Clock(seconds)) => {
                    options.clock_offset_seconds = *seconds;
                }
                _ => {}
            }
        }
    }
}

/// The workflow that a run of this course starts. Each course has [`LANES`] of them with `run-name` and as many without.
fn file_name(course: Course, echoes: bool, lane: usize) -> String {
    let course = match course {
        Course::Fails => "fails",
        Course::Cancelled => "cancelled",
        Course::Slow => "slow",
        _ => "succeeds",
    };
    let echoes = if echoes { "named" } else { "plain" };
    format!("{course}-{echoes}-{lane}.yml")
}

fn repository(organization: &str) -> Repository {
    let mut repository = Repository::new(organization, "shop");
    for course in [
        Course::Succeeds,
        Course::Fails,
        Course::Cancelled,
        Course::Slow,
    ] {
        for echoes in [true, false] {
            for lane in 0..LANES {
                repository = repository.workflow(workflow(course, echoes, lane));
            }
        }
    }
    repository
}

fn workflow(course: Course, echoes: bool, lane: usize) -> Workflow {
    // Between 0.2 and 1.5 seconds, as in the baseline, with some that are as good as instant.
    let duration = match (course, lane) {
        (Course::Slow, _) => 1_200 + 150 * lane as u64,
        (_, QUICK_LANE) => 20,
        _ => 150 + 130 * lane as u64,
    };
    let workflow = Workflow::new(file_name(course, echoes, lane))
        .input(Input::new("marker").required())
        .input(Input::new("port_run"))
        .input(Input::choice("environment", ["staging", "production"]).default("staging"))
        .run_name_echoes_inputs(echoes)
        .queue_time(Duration::from_millis(20))
        .duration(Duration::from_millis(duration));
    match course {
        Course::Fails => workflow.failing("tests", "Run the tests"),
        Course::Cancelled => workflow.conclusion("cancelled"),
        _ => workflow,
    }
}

/// The execution properties, as Port hands them out.
fn properties(run: &PlannedRun, organization: &str, id: &str) -> String {
    let mut inputs = json!({"marker": run.marker});
    let mut add = |key: &str, value: &str| {
        if let Some(inputs) = inputs.as_object_mut() {
            inputs.insert(key.to_owned(), value.into());
        }
    };
    if run.echoes {
        add("port_run", id);
    }
    if run.course == Course::Refused {
        add("environment", "moon");
    }
    let mut properties = json!({
        "org": organization,
        "repo": "shop",
        "workflow": file_name(run.course, run.echoes, run.lane),
        "workflowInputs": inputs,
    });
    if let Some(properties) = properties.as_object_mut() {
        if run.course == Course::Incomplete {
            properties.remove("repo");
        }
        if run.course == Course::NotReported {
            properties.insert("reportWorkflowStatus".to_owned(), false.into());
        }
    }
    properties.to_string()
}

/// A run whose properties are null: what Port offers when the mapping of an action went wrong.
fn unreadable(run: &PlannedRun, installation: &str) -> String {
    let provider = json!({
        "type": "INTEGRATION_ACTION",
        "installationId": installation,
        "integrationProvider": "github",
        "integrationActionType": "dispatch_workflow",
        "integrationInvocationType": "dispatch_workflow",
        "integrationActionExecutionProperties": null,
    });
    match run.kind {
        Kind::Action => json!({
            "id": format!("r_unreadable{}", run.marker.replace('-', "")),
            "status": "IN_PROGRESS",
            "action": {"identifier": "deploy"},
            "payload": provider,
        }),
        Kind::Node => json!({
            "identifier": format!("wfnr_unreadable{}", run.marker.replace('-', "")),
            "status": "IN_PROGRESS",
            "nodeUid": "deploy",
            "config": provider,
        }),
    }
    .to_string()
}

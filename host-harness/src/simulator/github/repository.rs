//! What a test or a demo says about a repository and its workflows.

use std::time::Duration;

/// A repository to be simulated.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) default_branch: String,
    pub(super) branches: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) private: bool,
    pub(super) archived: bool,
    pub(super) actions_enabled: bool,
    pub(super) organization: bool,
    pub(super) environments: Vec<String>,
    pub(super) workflows: Vec<Workflow>,
}

impl Repository {
    /// A private repository of an organization with the default branch `main` and no workflow.
    #[must_use]
    pub fn new(owner: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            name: name.into(),
            default_branch: "main".into(),
            branches: Vec::new(),
            tags: Vec::new(),
            private: true,
            archived: false,
            actions_enabled: true,
            organization: true,
            environments: Vec::new(),
            workflows: Vec::new(),
        }
    }

    /// Names the default branch.
    #[must_use]
    pub fn default_branch(mut self, name: impl Into<String>) -> Self {
        self.default_branch = name.into();
        self
    }

    /// Adds a branch.
    #[must_use]
    pub fn branch(mut self, name: impl Into<String>) -> Self {
        self.branches.push(name.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>) -> Self {
        self.tags.push(name.into());
        self
    }

    /// Public repositories can be read without a token.
    #[must_use]
    pub fn private(mut self, private: bool) -> Self {
        self.private = private;
        self
    }

    /// Archived repositories refuse every write.
    #[must_use]
    pub fn archived(mut self, archived: bool) -> Self {
        self.archived = archived;
        self
    }

    /// Actions switched off: dispatches are refused.
    #[must_use]
    pub fn actions_enabled(mut self, enabled: bool) -> Self {
        self.actions_enabled = enabled;
        self
    }

    /// `false`: the owner is a person, and deliveries carry no `organization`.
    #[must_use]
    pub fn organization(mut self, organization: bool) -> Self {
        self.organization = organization;
        self
    }

    /// Adds an environment, for inputs of that type to name.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environments.push(name.into());
        self
    }

    /// Adds a workflow.
    #[must_use]
    pub fn workflow(mut self, workflow: Workflow) -> Self {
        self.workflows.push(workflow);
        self
    }
}

/// Where runs fail, and what the tools there say about it.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    pub(super) job: String,
    pub(super) step: String,
    pub(super) annotations: Vec<Annotation>,
}

/// What a tool in a job says about a place in the code.
#[derive(Debug, Clone)]
pub(super) struct Annotation {
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) message: String,
}

/// A workflow file under `.github/workflows/` and how its runs go.
#[derive(Debug, Clone)]
pub struct Workflow {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) trigger: bool,
    pub(super) branches_without_trigger: Vec<String>,
    pub(super) inputs: Vec<Input>,
    pub(super) jobs: Vec<String>,
    pub(super) failing: Option<Failing>,
    pub(super) conclusion: String,
    pub(super) rerun_conclusion: Option<String>,
    pub(super) queue_time: Duration,
    pub(super) duration: Duration,
    pub(super) manual: bool,
    pub(super) run_name_echoes_inputs: bool,
}

impl Workflow {
    /// A dispatchable workflow with one job, without inputs, that succeeds 50 ms after it was queued for 10 ms.
    #[must_use]
    pub fn new(file: impl Into<String>) -> Self {
        let file = file.into();
        let name = file.split('.').next().unwrap_or_default().to_owned();
        Self {
            file,
            name,
            state: "active".into(),
            trigger: true,
            branches_without_trigger: Vec::new(),
            inputs: Vec::new(),
            jobs: vec!["build".into()],
            failing: None,
            conclusion: "success".into(),
            rerun_conclusion: None,
            queue_time: Duration::from_millis(10),
            duration: Duration::from_millis(50),
            manual: false,
            run_name_echoes_inputs: false,
        }
    }

    /// Display name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// `active`, `disabled_manually`, `disabled_inactivity`, `disabled_fork` or `deleted`.
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = state.into();
        self
    }

    /// Whether the file declares `on: workflow_dispatch`.
    #[must_use]
    pub fn trigger(mut self, trigger: bool) -> Self {
        self.trigger = trigger;
        self
    }

    /// On that branch the file has no `on: workflow_dispatch`.
    #[must_use]
    pub fn without_trigger_on(mut self, branch: impl Into<String>) -> Self {
        self.branches_without_trigger.push(branch.into());
        self
    }

    /// Declares an input.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Job names.
    #[must_use]
    pub fn jobs<I: IntoIterator<Item = S>, S: Into<String>>(mut self, jobs: I) -> Self {
        self.jobs = jobs.into_iter().map(Into::into).collect();
        self
    }

    /// Runs fail in this step of this job (added if it is not among the jobs).
    #[must_use]
    pub fn failing(mut self, job: impl Into<String>, step: impl Into<String>) -> Self {
        let job = job.into();
        if !self.jobs.contains(&job) {
            self.jobs.push(job.clone());
        }
        self.failing = Some(Failing {
            job,
            step: step.into(),
            annotations: Vec::new(),
        });
        self.conclusion = "failure".into();
        self
    }

    /// A tool in the failing step says so about a place in the code. Nothing where no step fails.
    #[must_use]
    pub fn annotated(
        mut self,
        path: impl Into<String>,
        line: u32,
        message: impl Into<String>,
    ) -> Self {
        if let Some(failing) = &mut self.failing {
            failing.annotations.push(Annotation {
                path: path.into(),
                line,
                message: message.into(),
            });
        }
        self
    }

    /// How runs end: any of GitHub's conclusions.
    #[must_use]
    pub fn conclusion(mut self, conclusion: impl Into<String>) -> Self {
        self.conclusion = conclusion.into();
        self
    }

    /// How second and later attempts end; as the first if not said.
    #[must_use]
    pub fn rerun_conclusion(mut self, conclusion: impl Into<String>) -> Self {
        self.rerun_conclusion = Some(conclusion.into());
        self
    }

    /// How long a run is queued before it starts.
    #[must_use]
    pub fn queue_time(mut self, time: Duration) -> Self {
        self.queue_time = time;
        self
    }

    /// How long a run takes once it started.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Runs stay queued until [`GitHub::advance`](super::GitHub::advance) or
    /// [`GitHub::finish`](super::GitHub::finish) moves them.
    #[must_use]
    pub fn manual(mut self) -> Self {
        self.manual = true;
        self
    }

    /// The file has a `run-name` with all input values in it, so that they show in a run's `display_title`.
    #[must_use]
    pub fn run_name_echoes_inputs(mut self, echoes: bool) -> Self {
        self.run_name_echoes_inputs = echoes;
        self
    }

    pub(super) fn path(&self) -> String {
        format!(".github/workflows/{}", self.file)
    }

    /// How attempt `number` ends.
    pub(super) fn conclusion_of(&self, number: u32) -> &str {
        match &self.rerun_conclusion {
            Some(conclusion) if number > 1 => conclusion,
            _ => &self.conclusion,
        }
    }

    /// The file's text, for clients that read it.
    pub(super) fn source(&self, branch: &str) -> String {
        let mut text = format!("name: {}\n", quoted(&self.name));
        if self.run_name_echoes_inputs {
            let values: Vec<String> = self
                .inputs
                .iter()
                .map(|input| format!("${{{{ inputs.{} }}}}", input.name))
                .collect();
            text.push_str(&format!(
                "run-name: {}\n",
                quoted(&format!("{} {}", self.name, values.join(" ")))
            ));
        }
        text.push_str("on:\n  push:\n    branches: [release]\n");
        if self.trigger
            && !self
                .branches_without_trigger
                .iter()
                .any(|name| name == branch)
        {
            text.push_str("  workflow_dispatch:\n");
            if !self.inputs.is_empty() {
                text.push_str("    inputs:\n");
            }
            for input in &self.inputs {
                input.write(&mut text);
            }
        }
        text.push_str("jobs:\n");
        for (index, job) in self.jobs.iter().enumerate() {
            text.push_str(&format!(
                "  job-{index}:\n    name: {}\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n",
                quoted(job)
            ));
        }
        text
    }
}

/// JSON strings are YAML strings.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An input of a workflow.
#[derive(Debug, Clone)]
pub struct Input {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) description: Option<String>,
    pub(super) required: bool,
    pub(super) default: Option<String>,
    pub(super) choices: Vec<String>,
}

impl Input {
    /// An optional text input.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: "string",
            description: None,
            required: false,
            default: None,
            choices: Vec::new(),
        }
    }

    /// A `boolean` input.
    #[must_use]
    pub fn boolean(name: impl Into<String>) -> Self {
        Self {
            kind: "boolean",
            ..Self::new(name)
        }
    }

    /// A `number` input.
    #[must_use]
    pub fn number(name: impl Into<String>) -> Self {
        Self {
            kind: "number",
            ..Self::new(name)
        }
    }

    /// An `environment` input: GitHub offers the repository's environments to people, and takes any text.
    #[must_use]
    pub fn environment(name: impl Into<String>) -> Self {
        Self {
            kind: "environment",
            ..Self::new(name)
        }
    }

    /// A `choice` input.
    #[must_use]
    pub fn choice<I: IntoIterator<Item = S>, S: Into<String>>(
        name: impl Into<String>,
        choices: I,
    ) -> Self {
        Self {
            kind: "choice",
            choices: choices.into_iter().map(Into::into).collect(),
            ..Self::new(name)
        }
    }

    /// What it is for.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Must be given unless it has a default.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Value when it is not given.
    #[must_use]
    pub fn default(mut self, value: impl Into<String>) -> Self {
        self.default = Some(value.into());
        self
    }

    fn write(&self, text: &mut String) {
        text.push_str(&format!(
            "      {}:\n        type: {}\n",
            quoted(&self.name),
            self.kind
        ));
        if let Some(description) = &self.description {
            text.push_str(&format!("        description: {}\n", quoted(description)));
        }
        text.push_str(&format!("        required: {}\n", self.required));
        if let Some(default) = &self.default {
            let default = if matches!(self.kind, "boolean" | "number") {
                default.clone()
            } else {
                quoted(default)
            };
            text.push_str(&format!("        default: {default}\n"));
        }
        if !self.choices.is_empty() {
            text.push_str("        options:\n");
            for choice in &self.choices {
                text.push_str(&format!("          - {}\n", quoted(choice)));
            }
        }
    }
}

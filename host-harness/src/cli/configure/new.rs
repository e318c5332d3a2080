//! `configure --new`: asks for what a new action needs, and has the plugin complete it from what its server declares.
//!
//! Which properties an action needs, the plugin knows: its `configure` says what is missing, and that becomes a question,
//! or without a terminal a flag that is named. So nothing here knows a server of any kind.

use super::dialogue::Dialogue;
use super::{OriginArgument, refuse};
use crate::cli::{Output, SingleCall, Stop};
use crate::contract::{ActionType, Configured, Origin, Problem, Scope};
use crate::new_action::{
    Form, Head, NewAction, NewActionError, Operation, Property, about_property, check_identifier,
    lacks_form, properties, property_at,
};
use crate::runtime::Call;
use clap::{Args, ValueEnum};

/// What stands in the place of a file's name before problems.
pub(super) const NAME: &str = "new action";

/// Arguments of `configure --new`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write a new action: asks for what no argument tells, and makes the form of the inputs that the server declares.
    #[arg(long)]
    pub(super) new: bool,
    /// Of a new action: what it is called in Port's API.
    #[arg(long, requires = "new", conflicts_with = "definition")]
    identifier: Option<String>,
    /// Of a new action: what people see.
    #[arg(long, requires = "new", conflicts_with = "definition")]
    title: Option<String>,
    /// Of a new action: what it does to an entity of Port's catalogue. Without a terminal, the default is `create`.
    #[arg(long, requires = "new", conflicts_with = "definition", value_enum)]
    operation: Option<OperationArgument>,
    /// Of a new action: the blueprint whose entities it is about.
    #[arg(long, requires = "new", conflicts_with = "definition")]
    blueprint: Option<String>,
    /// Of a new action: a property that the plugin knows (`inspect` lists them); any number of times.
    #[arg(
        long,
        requires = "new",
        conflicts_with = "definition",
        value_name = "NAME=VALUE"
    )]
    set: Vec<String>,
    /// Of a new action: which of the plugin's action types, where there are several.
    #[arg(
        long,
        requires = "new",
        conflicts_with = "definition",
        value_name = "NAME"
    )]
    action_type: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OperationArgument {
    /// It makes an entity, or is about none.
    Create,
    /// It changes an entity.
    #[value(name = "day-2")]
    Day2,
    /// It removes an entity.
    Delete,
}

impl From<OperationArgument> for Operation {
    fn from(argument: OperationArgument) -> Operation {
        match argument {
            OperationArgument::Create => Operation::Create,
            OperationArgument::Day2 => Operation::Day2,
            OperationArgument::Delete => Operation::Delete,
        }
    }
}

/// Whom to ask: the plugin, and perhaps a person.
struct Author<'a> {
    call: &'a SingleCall,
    origin: Origin,
    dialogue: Option<Dialogue>,
    properties: Vec<Property>,
    format: Output,
}

/// Writes a new action.
pub(super) async fn write(
    arguments: &Arguments,
    call: &SingleCall,
    origin: OriginArgument,
    format: Output,
) -> Result<Configured, Stop> {
    let dialogue = Dialogue::on_terminal();
    let types = &call.runtime.manifest().action_types;
    let action_type = action_type(arguments, types, dialogue.as_ref())?;
    let author = Author {
        call,
        origin: origin.into(),
        dialogue,
        properties: properties(&action_type.input_schema),
        format,
    };
    let mut action = NewAction {
        installation: call.installation.id().to_owned(),
        action_type: action_type.name.clone(),
        properties: vec![],
    };
    for pair in &arguments.set {
        let (property, value) = Property::pair(&author.properties, pair).map_err(Stop::unusable)?;
        if action.written(&property.name).is_some() {
            let twice = NewActionError::Twice(property.name.clone());
            return Err(Stop::unusable(twice));
        }
        action.set(&property.name, value);
    }
    if let Some(identifier) = &arguments.identifier {
        check_identifier(identifier).map_err(Stop::unusable)?;
    }
    author.complete_method(arguments, &mut action).await?;
    let head = author.head(arguments)?;
    author.complete_action(&mut action, &head).await
}

fn action_type<'t>(
    arguments: &Arguments,
    types: &'t [ActionType],
    dialogue: Option<&Dialogue>,
) -> Result<&'t ActionType, Stop> {
    let names: Vec<&str> = types.iter().map(|one| one.name.as_str()).collect();
    let chosen = match (&arguments.action_type, types, dialogue) {
        (Some(name), ..) => types.iter().find(|one| one.name == *name),
        (None, [only], _) => Some(only),
        (None, _, Some(dialogue)) if !types.is_empty() => types.get(dialogue.action_type(&names)?),
        (None, ..) => None,
    };
    chosen.ok_or_else(|| {
        let names = names.join(", ");
        Stop::Unusable(format!(
            "give `--action-type`, one of what the plugin has: {names}"
        ))
    })
}

impl Author<'_> {
    async fn ask_plugin(
        &self,
        definition: String,
        scope: Scope,
    ) -> Result<Result<Configured, Vec<Problem>>, Stop> {
        let call = Call::new(self.call.installation.clone(), "configure");
        let runtime = &self.call.runtime;
        let answer = runtime
            .configure(call, definition, self.origin, scope)
            .await;
        answer.map_err(Stop::unusable)
    }

    /// Gathers properties until the plugin finds nothing missing or wrong, before its server is asked.
    async fn complete_method(
        &self,
        arguments: &Arguments,
        action: &mut NewAction,
    ) -> Result<(), Stop> {
        loop {
            let method = action.method().map_err(Stop::unusable)?;
            let problems = match self.ask_plugin(method, Scope::DefinitionOnly).await? {
                Ok(_) => vec![],
                Err(problems) => problems,
            };
            match (&self.dialogue, about_property(&problems, &self.properties)) {
                (Some(dialogue), Some((property, problem))) => {
                    self.ask_person(dialogue, action, property, problem)?;
                }
                (None, about) if about.is_some() || arguments.identifier.is_none() => {
                    return Err(self.missing(arguments, &problems));
                }
                _ if problems.is_empty() => return Ok(()),
                _ => return Err(refuse(NAME, &problems, self.format)),
            }
        }
    }

    /// Asks a person for a property that is missing or wrong.
    fn ask_person(
        &self,
        dialogue: &Dialogue,
        action: &mut NewAction,
        property: &Property,
        problem: &Problem,
    ) -> Result<(), Stop> {
        let before = action.written(&property.name);
        let why = match &before {
            None if !property.description.is_empty() => property.description.clone(),
            None => problem.message.clone(),
            Some(_) => format!("{}\n{}", problem.message, problem.remedy),
        };
        let answer = dialogue.property(property, before, &why)?;
        let value = property.read(&answer).map_err(Stop::unusable)?;
        action.set(&property.name, value);
        Ok(())
    }

    /// All that has to be told by arguments, since nobody can be asked.
    fn missing(&self, arguments: &Arguments, problems: &[Problem]) -> Stop {
        let mut flags = vec![];
        if arguments.identifier.is_none() {
            flags.push("--identifier: what the action is called in Port's API".to_owned());
        }
        let mut named = vec![];
        for problem in problems {
            let name = property_at(&problem.pointer).unwrap_or_default();
            let is_known = self.properties.iter().any(|property| property.name == name);
            if is_known && !named.contains(&name) {
                flags.push(format!(
                    "--set {name}=…: {}",
                    problem.message.trim_end_matches('.')
                ));
                named.push(name);
            }
        }
        let flags = flags.join("; ");
        Stop::Unusable(format!(
            "there is no terminal to ask on, so these arguments are needed: {flags}"
        ))
    }

    /// What Port wants to know beside what the action does.
    fn head(&self, arguments: &Arguments) -> Result<Head, Stop> {
        let given = arguments.operation.map(Operation::from);
        let Some(dialogue) = &self.dialogue else {
            return Ok(Head {
                identifier: arguments.identifier.clone().unwrap_or_default(),
                title: arguments.title.clone(),
                operation: given.unwrap_or(Operation::Create),
                blueprint: arguments.blueprint.clone(),
            });
        };
        let title = match &arguments.title {
            Some(title) => title.clone(),
            None => dialogue.title()?,
        };
        let identifier = match &arguments.identifier {
            Some(identifier) => identifier.clone(),
            None => dialogue.identifier(&title)?,
        };
        let operation = match given {
            Some(operation) => operation,
            None => dialogue.operation()?,
        };
        let blueprint = match &arguments.blueprint {
            None if operation != Operation::Create => dialogue.blueprint()?,
            given => given.clone(),
        };
        Ok(Head {
            identifier,
            title: Some(title),
            operation,
            blueprint,
        })
    }

    /// Has the plugin make the form. What its server finds wrong with a property is asked for again.
    async fn complete_action(
        &self,
        action: &mut NewAction,
        head: &Head,
    ) -> Result<Configured, Stop> {
        let mut form = Form::Declared;
        loop {
            let document = action.document(head, form).map_err(Stop::unusable)?;
            let problems = match self.ask_plugin(document, Scope::AgainstServer).await? {
                Ok(configured) if lacks_form(&configured.definition) => {
                    form = Form::Empty;
                    continue;
                }
                Ok(configured) => return Ok(self.noted(configured, form)),
                Err(problems) => problems,
            };
            match (&self.dialogue, about_property(&problems, &self.properties)) {
                (Some(dialogue), Some((property, problem))) => {
                    self.ask_person(dialogue, action, property, problem)?;
                }
                _ => return Err(refuse(NAME, &problems, self.format)),
            }
        }
    }

    fn noted(&self, mut configured: Configured, form: Form) -> Configured {
        if form == Form::Empty {
            let manifest = self.call.runtime.manifest();
            configured.notes.push(format!(
                "The form is empty: the plugin {} {} makes none. Add what people are to be asked for to `userInputs`.",
                manifest.name, manifest.version
            ));
        }
        configured
    }
}

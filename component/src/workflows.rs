//! From a workflow's display name to its file name.

use crate::contract::ocean::integration_action::types::Failure;
use crate::github::{GitHub, PAGE_SIZE, Workflow};
use crate::names::WORKFLOW_FOLDER;

/// How many pages of workflows are read: a thousand workflows.
const MAX_PAGES: usize = 10;

/// The file name (or else the id) of the workflow with this display name. Case counts only where it tells two apart.
///
/// # Errors
/// `workflow-not-found`, `workflow-ambiguous`, or what went wrong with the question.
pub fn file_of(
    github: &GitHub<'_>,
    owner: &str,
    repository: &str,
    name: &str,
) -> Result<String, Failure> {
    let mut all = Vec::new();
    for page in 1..=MAX_PAGES {
        let list = github.workflows(owner, repository, page)?.workflows;
        let is_last = list.len() < PAGE_SIZE;
        all.extend(list);
        if is_last {
            break;
        }
    }
    choose(&all, name)
}

fn choose(all: &[Workflow], name: &str) -> Result<String, Failure> {
    let alive = || all.iter().filter(|workflow| workflow.state != "deleted");
    let mut matches: Vec<&Workflow> = alive().filter(|workflow| workflow.name == name).collect();
    if matches.is_empty() {
        matches = alive()
            .filter(|workflow| workflow.name.eq_ignore_ascii_case(name))
            .collect();
    }
    match matches.as_slice() {
        [only] => Ok(file_name(only).map_or_else(|| only.id.to_string(), str::to_owned)),
        [] => Err(Failure::rejected(
            "workflow-not-found",
            format!("The repository has no workflow with the name `{name}`."),
            "Use the name of the workflow's file in .github/workflows/, such as deploy.yml.",
        )),
        several => {
            let paths: Vec<&str> = several
                .iter()
                .map(|workflow| workflow.path.as_str())
                .collect();
            Err(Failure::rejected(
                "workflow-ambiguous",
                format!(
                    "Several workflows have the name `{name}`: {}.",
                    paths.join(", ")
                ),
                "Use the name of the file instead of the display name.",
            ))
        }
    }
}

/// The name of a workflow's file, if it lies where workflows that can be started lie.
#[must_use]
pub fn file_name(workflow: &Workflow) -> Option<&str> {
    // GitHub may add `@` and a ref to a path.
    let path = workflow.path.split('@').next()?;
    path.strip_prefix(WORKFLOW_FOLDER)
        .filter(|file| !file.contains('/') && !matches!(*file, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Script, answer, installation};

    fn page(workflows: &[(u64, &str, &str, &str)]) -> String {
        let items: Vec<String> = workflows
            .iter()
            .map(|(id, name, path, state)| {
                format!(r#"{{"id":{id},"name":"{name}","path":"{path}","state":"{state}"}}"#)
            })
            .collect();
        format!(
            r#"{{"total_count":{},"workflows":[{}]}}"#,
            items.len(),
            items.join(",")
        )
    }

    fn resolve(name: &str, pages: &[String]) -> (Result<String, String>, usize) {
        let host = Script::of(pages.iter().map(|page| answer(200, page)));
        let github = GitHub::of(&host, &installation()).unwrap();
        let file = file_of(&github, "acme", "shop", name).map_err(|failure| failure.code);
        let count = host.requests.borrow().len();
        (file, count)
    }

    #[test]
    fn a_display_name_is_resolved_to_a_file_name() {
        let list = page(&[
            (1, "Deploy", ".github/workflows/deploy.yml", "active"),
            (2, "deploy", ".github/workflows/lower.yml", "active"),
            (3, "Gone", ".github/workflows/gone.yml", "deleted"),
            (4, "Scan", "dynamic/scan/codeql", "active"),
            (5, "Up", ".github/workflows/..", "active"),
        ]);
        for (name, expected) in [
            ("Deploy", Ok("deploy.yml")),
            ("deploy", Ok("lower.yml")),
            ("DEPLOY", Err("workflow-ambiguous")),
            ("Gone", Err("workflow-not-found")),
            ("scan", Ok("4")),
            ("Up", Ok("5")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(
                resolve(name, std::slice::from_ref(&list)).0,
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn all_pages_are_searched_up_to_a_bound() {
        let full: Vec<(u64, &str, &str, &str)> = (0..100)
            .map(|n| (n, "x", ".github/workflows/x.yml", "active"))
            .collect();
        let last = page(&[(7, "Deploy", ".github/workflows/deploy.yml", "active")]);
        assert_eq!(
            resolve("Deploy", &[page(&full), last]),
            (Ok("deploy.yml".into()), 2)
        );
        let endless = vec![page(&full); MAX_PAGES + 1];
        assert_eq!(
            resolve("Deploy", &endless),
            (Err("workflow-not-found".into()), MAX_PAGES)
        );
    }
}

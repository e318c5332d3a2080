//! What git itself would answer: refs, and the workflow files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::super::server::Reply;
use super::answers::Asked;
use super::objects;
use super::world::{RepositoryRecord, World};

impl Asked<'_> {
    pub(super) fn reference(
        &self,
        world: &World,
        repository: &RepositoryRecord,
        reference: &str,
    ) -> Result<Reply, Reply> {
        let full = format!("refs/{reference}");
        let before = self.state.now() - self.state.options.ref_lag;
        let short = repository
            .resolve_ref(&full, before)
            .filter(|short| *short != full);
        let sha = repository.sha(short.ok_or_else(|| self.not_found())?);
        let api = format!("{}/repos/{}", world.bases.api, repository.full_name());
        let body = json!({
            "ref": full,
            "node_id": objects::node_id("REF", repository.id),
            "url": format!("{api}/git/{full}"),
            "object": {"sha": sha, "type": "commit", "url": format!("{api}/git/commits/{sha}")},
        });
        Ok(Reply::json(200, body.to_string()))
    }

    /// Only the workflow files can be read.
    pub(super) fn contents(
        &self,
        world: &World,
        repository: &RepositoryRecord,
        path: &str,
    ) -> Result<Reply, Reply> {
        let wanted = self
            .received
            .parameter("ref")
            .unwrap_or_else(|| repository.definition.default_branch.clone());
        let before = self.state.now() - self.state.options.ref_lag;
        let branch = repository
            .resolve_ref(&wanted, before)
            .ok_or_else(|| self.error(404, &format!("No commit found for the ref {wanted}")))?;
        let workflow = repository
            .workflows
            .iter()
            .find(|workflow| workflow.definition.path() == path);
        let workflow = workflow.ok_or_else(|| self.not_found())?;
        let source = workflow.definition.source(branch);
        if self
            .received
            .header("accept")
            .is_some_and(|accept| accept.contains(".raw"))
        {
            return Ok(Reply::empty(200)
                .with(
                    "content-type",
                    "application/vnd.github.raw+json; charset=utf-8",
                )
                .body(source));
        }
        let api = format!("{}/repos/{}", world.bases.api, repository.full_name());
        let page = format!("{}/{}", world.bases.html, repository.full_name());
        let sha = repository.sha(&format!("{path}@{branch}"));
        let url = format!("{api}/contents/{path}?ref={branch}");
        let git_url = format!("{api}/git/blobs/{sha}");
        let html_url = format!("{page}/blob/{branch}/{path}");
        let body = json!({
            "name": workflow.definition.file,
            "path": path,
            "sha": sha,
            "size": source.len(),
            "url": url,
            "html_url": html_url,
            "git_url": git_url,
            "download_url": format!("{page}/raw/{branch}/{path}"),
            "type": "file",
            "content": wrapped(&STANDARD.encode(&source)),
            "encoding": "base64",
            "_links": {"self": url, "git": git_url, "html": html_url},
        });
        Ok(Reply::json(200, body.to_string()))
    }
}

/// Base64 of file contents comes in lines of 60.
fn wrapped(text: &str) -> String {
    let lines = text.as_bytes().chunks(60);
    lines
        .map(|line| String::from_utf8_lossy(line).into_owned() + "\n")
        .collect()
}

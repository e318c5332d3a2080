//! The contract `ocean:integration-action` as Rust types, and the check that a component speaks this version of it.
//!
//! The types are generated from `wit/`, where each of them is documented; this module re-exports them under short
//! names. Host code passes them around as they are instead of translating them into types of its own.

pub mod json;

use wasmtime::component::types::Component as ComponentType;

#[expect(
    missing_docs,
    reason = "generated from wit/, which documents every item"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        // The contract's own part of the world `plugin`; the rest is WASI, which has bindings already.
        inline: "
            package host:bindings;
            world plugin {
                import ocean:integration-action/logging@0.1.0;
                export ocean:integration-action/actions@0.1.0;
            }
        ",
        world: "host:bindings/plugin",
        imports: { default: trappable },
        exports: { default: async },
        require_store_data_send: true,
        // A run's life is written into the journal with them.
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub use generated::exports::ocean::integration_action::actions::Guest;
pub use generated::ocean::integration_action::{logging, types};
pub use generated::{Plugin as Bindings, PluginPre as BindingsPre};
pub use types::{
    ActionType, Attempt, Change, Completion, Configured, Delivery, Failure, FailureKind, Header,
    Hosting, Installation, Level, LogLine, Manifest, Origin, Outcome, Part, Problem, Progress, Run,
    RunKind, RunPlan, RunUpdate, Scope, Setting, SignatureAlgorithm, Started, Webhooks,
};

/// The package that the contract is.
pub const PACKAGE: &str = "ocean:integration-action";

/// The version of the contract that this host speaks. `wit/VERSIONING.md` says which other versions fit.
pub const VERSION: &str = "0.1.0";

/// The interface that every plugin exports, without its version.
const ACTIONS: &str = "ocean:integration-action/actions";

/// Why a component is not a plugin for this host.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ContractError {
    /// It was built for a version of the contract that doesn't fit.
    #[error(
        "the component speaks {PACKAGE} {component}, this host speaks {VERSION}: rebuild the component against \
         {VERSION}, or use a host for {component}"
    )]
    Version {
        /// The version that the component exports.
        component: String,
    },
    /// It exports no version of the contract.
    #[error(
        "the component does not export {ACTIONS}@{VERSION}, so it is not an integration action (it exports {exports})"
    )]
    NotAPlugin {
        /// What it exports instead, for people.
        exports: String,
    },
}

impl Failure {
    /// Whether the same call may succeed later, and repeating it is safe.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Unavailable | FailureKind::RateLimited(_)
        )
    }
}

/// Checks that a component exports this version of the contract, before anything of it runs. Returns the version that
/// it was built for.
pub fn check_version(
    component: &ComponentType,
    engine: &wasmtime::Engine,
) -> Result<String, ContractError> {
    let exports: Vec<&str> = component.exports(engine).map(|(name, _)| name).collect();
    check_exports(&exports)
}

/// The same check on the names of the exports.
fn check_exports(exports: &[&str]) -> Result<String, ContractError> {
    let version = exports.iter().find_map(|name| {
        let (interface, version) = name.split_once('@')?;
        (interface == ACTIONS).then_some(version)
    });
    match version {
        Some(version) if fits(version) => Ok(version.to_owned()),
        Some(version) => Err(ContractError::Version {
            component: version.to_owned(),
        }),
        None => Err(ContractError::NotAPlugin {
            exports: match exports {
                [] => "nothing".to_owned(),
                names => names.join(", "),
            },
        }),
    }
}

/// Whether a plugin built for `version` runs on this host: the same major and minor version while the major version
/// is 0, since each minor version may break then (Semantic Versioning 2.0.0, section 4).
fn fits(version: &str) -> bool {
    let minor = |text: &str| {
        text.rsplit_once('.')
            .map(|(minor, _patch)| minor.to_owned())
    };
    let is_plain = version
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_plain && minor(version) == minor(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_another_contract_version_names_both() {
        let error = check_exports(&["ocean:integration-action/actions@0.2.0"]).unwrap_err();
        assert_eq!(
            error,
            ContractError::Version {
                component: "0.2.0".to_owned()
            }
        );
        let text = error.to_string();
        assert!(text.contains("0.2.0") && text.contains(VERSION), "{text}");
    }

    #[test]
    fn a_patch_version_fits_and_a_prerelease_does_not() {
        assert!(check_exports(&["ocean:integration-action/actions@0.1.7"]).is_ok());
        assert!(check_exports(&["ocean:integration-action/actions@0.1.0-rc.1"]).is_err());
        assert!(check_exports(&["ocean:integration-action/actions@0.10.0"]).is_err());
    }

    #[test]
    fn a_component_that_is_no_plugin_is_told_so() {
        let error = check_exports(&["wasi:http/incoming-handler@0.2.0"]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("wasi:http/incoming-handler@0.2.0")
        );
        assert!(
            check_exports(&[])
                .unwrap_err()
                .to_string()
                .contains("exports nothing")
        );
    }
}

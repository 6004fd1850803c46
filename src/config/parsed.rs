//! A configuration as far as it can be parsed, with all of its errors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::blocks::{self, KeyProblems};
use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors, Place};
use super::expand::{self, ConfigFile};
use super::keys::{AUTHENTIK, SERVICE};
use super::misplaced::Misplaced;
use super::reader::Reader;
use super::section::Section;
use super::tree::{Content, Node, ValueSource};
use super::{AuthentikConfig, Config, ServiceConfig, shared, variables};
use crate::outbound::proxy::{self, Proxies};

/// A configuration that may have errors.
#[derive(Clone, Debug)]
pub struct ParsedConfig {
    authentik: Option<AuthentikConfig>,
    /// A key with an error has its default.
    service: ServiceConfig,
    warnings: Vec<String>,
    /// A digest of each key that has to be equal at all replicas.
    shared_settings: BTreeMap<String, String>,
    /// Errors of files and unknown or misplaced keys.
    errors: Vec<ConfigError>,
    /// Errors of values in Backstage's block.
    authentik_errors: Vec<ConfigError>,
    /// Errors of values in our block.
    service_errors: Vec<ConfigError>,
    /// The keys of our block with an error, and the keys in wrong places.
    failed: Vec<String>,
    /// True if a file could not be read.
    is_partial: bool,
}

impl ParsedConfig {
    /// Parses files and variables. Later files override earlier ones.
    #[must_use]
    pub fn load(files: &[PathBuf], env: &impl Environment) -> Self {
        let nodes = files.iter().map(|path| expand::file(path, env)).collect();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Self::of(nodes, &names.join(", "), env)
    }

    /// Merges files and variables, checks the keys and parses the values. `names` are the files, for messages.
    pub(super) fn of(
        files: Vec<Result<ConfigFile, ConfigError>>,
        names: &str,
        env: &impl Environment,
    ) -> Self {
        let Merged {
            mut tree,
            errors,
            mut misplaced,
        } = Merged::of(files, names);
        let is_partial = !errors.is_empty();
        let has_block = Reader::of(&tree, None).is_set(AUTHENTIK);
        variables::apply(&mut tree, env);
        misplaced.extend(variables::misplaced(env));
        let mut problems = KeyProblems {
            warnings: variables::misspelled(env),
            errors,
            ..KeyProblems::default()
        };
        problems.misplaced(&misplaced, has_block, &tree);
        blocks::check(&tree, &mut problems);
        let KeyProblems {
            warnings,
            errors,
            misplaced,
        } = problems;
        let names = Some(names).filter(|names| !names.is_empty());
        let [mut first, mut second] = [(); 2].map(|()| Reader::of(&tree, names));
        let authentik = AuthentikConfig::read(AUTHENTIK, &mut first);
        let service = ServiceConfig::read(SERVICE, &mut second);
        let shared_settings = shared::digests(&second);
        let mut service = service.unwrap_or_default();
        service.state_dir = service.state_dir.resolved(env);
        match Proxies::from_env(|name| env.var(name)) {
            Ok(proxies) => service.proxies = proxies,
            Err(error) => second.errors.push(ConfigError::Invalid {
                place: Place::Variable(error.variable),
                message: proxy::EXPECTED.to_owned(),
            }),
        }
        // A missing key may be in a file that cannot be read, or in the wrong place.
        first.forget_missing(0, |key| {
            is_partial || misplaced.iter().any(|path| path == key)
        });
        Self {
            authentik,
            service,
            shared_settings,
            warnings: [warnings, first.warnings, second.warnings].concat(),
            errors,
            authentik_errors: first.errors,
            service_errors: second.errors,
            failed: [second.failed, misplaced].concat(),
            is_partial,
        }
    }

    /// Returns the configuration.
    ///
    /// # Errors
    /// Returns all errors, if there are any.
    pub fn into_config(self) -> Result<Config, ConfigErrors> {
        let errors = [self.errors, self.authentik_errors, self.service_errors].concat();
        match self.authentik {
            Some(authentik) if errors.is_empty() => Ok(Config {
                authentik,
                service: self.service,
                warnings: self.warnings,
                shared_settings: self.shared_settings,
            }),
            _ => Err(ConfigErrors::new(errors)),
        }
    }

    /// Returns this service's own block.
    ///
    /// # Errors
    /// Returns all errors of the block and of the files.
    pub fn into_service(self) -> Result<ServiceConfig, ConfigErrors> {
        let errors = [self.errors, self.service_errors].concat();
        if errors.is_empty() {
            Ok(self.service)
        } else {
            Err(ConfigErrors::new(errors))
        }
    }

    /// Returns the configuration of a service that starts. `start_errors` returns the errors of the files and
    /// secrets that the configuration refers to.
    ///
    /// # Errors
    /// Returns everything that prevents a start.
    pub fn into_startable(
        mut self,
        start_errors: impl FnOnce(&ServiceConfig, Option<&Config>) -> Vec<String>,
    ) -> Result<Config, ConfigErrors> {
        if self.has_access_rules()
            && let Err(error) = self.service.auth.check(self.service.listen)
        {
            self.service_errors.push(error.into());
        }
        let errors = start_errors(&self.service, self.candidate().as_ref());
        let errors = errors.into_iter().map(ConfigError::Unusable);
        self.service_errors.extend(errors);
        self.into_config()
    }

    /// Returns the configuration with defaults in place of invalid values.
    fn candidate(&self) -> Option<Config> {
        Some(Config {
            authentik: self.authentik.clone()?,
            service: self.service.clone(),
            warnings: Vec::new(),
            shared_settings: BTreeMap::new(),
        })
    }

    /// Returns true if the listen address and the tokens are valid. Otherwise they have defaults here, which
    /// say nothing about access.
    fn has_access_rules(&self) -> bool {
        let is_access_rule = |path: &String| {
            path == "entityProvider.listen" || path.starts_with("entityProvider.auth")
        };
        !self.is_partial && !self.failed.iter().any(is_access_rule)
    }
}

/// The merged files.
struct Merged {
    tree: Node,
    /// The errors of files.
    errors: Vec<ConfigError>,
    misplaced: Vec<Misplaced>,
}

impl Merged {
    fn of(files: Vec<Result<ConfigFile, ConfigError>>, names: &str) -> Self {
        let mut merged = Self {
            tree: Node::new(&ValueSource::Document(names.to_owned()), Content::Absent),
            errors: Vec::new(),
            misplaced: Vec::new(),
        };
        for file in files {
            match file {
                Ok(ConfigFile { node, misplaced }) => {
                    merged.tree.merge(node);
                    merged.misplaced.extend(misplaced);
                }
                Err(error) => merged.errors.push(error),
            }
        }
        merged
    }
}

impl KeyProblems {
    /// Adds errors for blocks in a wrong place.
    fn misplaced(&mut self, blocks: &[Misplaced], has_block: bool, tree: &Node) {
        let reader = Reader::of(tree, None);
        let lost = blocks
            .iter()
            .filter(|block| block.is_lost(has_block, |path| reader.is_set(path)));
        for block in lost {
            self.errors.push(block.error());
            self.misplaced.extend(block.keys.iter().cloned());
        }
    }
}

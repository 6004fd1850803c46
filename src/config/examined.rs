//! A configuration as far as it can be read, and everything that is wrong with it.

use std::path::PathBuf;

use super::blocks::{self, Findings};
use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors, Place};
use super::expand::{self, Document};
use super::keys::{AUTHENTIK, SERVICE};
use super::misplaced::Misplaced;
use super::reader::Reader;
use super::section::Section;
use super::tree::{Content, Node, Source};
use super::{AuthentikConfig, Config, ServiceConfig, variables};
use crate::outbound::proxy::{self, Proxies};

/// A configuration that may have errors.
#[derive(Clone, Debug)]
pub struct Examined {
    authentik: Option<AuthentikConfig>,
    /// A key with an error has its default here.
    service: ServiceConfig,
    warnings: Vec<String>,
    /// What is wrong with the files and the shape of the blocks.
    errors: Vec<ConfigError>,
    /// What is wrong with the values in Backstage's block.
    authentik_errors: Vec<ConfigError>,
    /// What is wrong with the values in our block.
    service_errors: Vec<ConfigError>,
    /// The keys of our block with an error, and the keys in wrong places.
    failed: Vec<String>,
    /// Whether a file is missing from it.
    is_partial: bool,
}

impl Examined {
    /// Reads files, of which later ones win, and variables.
    #[must_use]
    pub fn load(files: &[PathBuf], env: &impl Environment) -> Self {
        let nodes = files.iter().map(|path| expand::file(path, env)).collect();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Self::of(nodes, &names.join(", "), env)
    }

    /// Merges, checks and types what files and variables give; the files' names are for messages.
    pub(super) fn of(
        files: Vec<Result<Document, ConfigError>>,
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
        let mut findings = Findings {
            warnings: variables::misspelled(env),
            errors,
            ..Findings::default()
        };
        findings.misplaced(&misplaced, has_block, &tree);
        blocks::check(&tree, &mut findings);
        let Findings {
            warnings,
            errors,
            misplaced,
        } = findings;
        let names = Some(names).filter(|names| !names.is_empty());
        let [mut first, mut second] = [(); 2].map(|()| Reader::of(&tree, names));
        let authentik = AuthentikConfig::read(AUTHENTIK, &mut first);
        let service = ServiceConfig::read(SERVICE, &mut second);
        let mut service = service.unwrap_or_default();
        service.state_dir = service.state_dir.settled(env);
        match Proxies::from_env(|name| env.var(name)) {
            Ok(proxies) => service.proxies = proxies,
            Err(error) => second.errors.push(ConfigError::Invalid {
                place: Place::Variable(error.variable),
                message: proxy::EXPECTED.to_owned(),
            }),
        }
        // What is missing may be in the file that cannot be read, or in the wrong place.
        first.forget_missing(0, |key| {
            is_partial || misplaced.iter().any(|path| path == key)
        });
        Self {
            authentik,
            service,
            warnings: [warnings, first.warnings, second.warnings].concat(),
            errors,
            authentik_errors: first.errors,
            service_errors: second.errors,
            failed: [second.failed, misplaced].concat(),
            is_partial,
        }
    }

    /// The configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn into_config(self) -> Result<Config, ConfigErrors> {
        let errors = [self.errors, self.authentik_errors, self.service_errors].concat();
        match self.authentik {
            Some(authentik) if errors.is_empty() => Ok(Config {
                authentik,
                service: self.service,
                warnings: self.warnings,
            }),
            _ => Err(ConfigErrors::new(errors)),
        }
    }

    /// This service's own block.
    ///
    /// # Errors
    /// Everything that is wrong with it, and with the files.
    pub fn into_service(self) -> Result<ServiceConfig, ConfigErrors> {
        let errors = [self.errors, self.service_errors].concat();
        if errors.is_empty() {
            Ok(self.service)
        } else {
            Err(ConfigErrors::new(errors))
        }
    }

    /// The configuration of a service that starts. `unusable` says which of the files and secrets that
    /// our block and the configuration name cannot be used.
    ///
    /// # Errors
    /// Everything that keeps the service from starting.
    pub fn into_startable(
        mut self,
        unusable: impl FnOnce(&ServiceConfig, Option<&Config>) -> Vec<String>,
    ) -> Result<Config, ConfigErrors> {
        if self.has_access_rules()
            && let Err(error) = self.service.auth.check(self.service.listen)
        {
            self.service_errors.push(error.into());
        }
        let unusable = unusable(&self.service, self.candidate().as_ref());
        let unusable = unusable.into_iter().map(ConfigError::Unusable);
        self.service_errors.extend(unusable);
        self.into_config()
    }

    /// The configuration with defaults in place of errors.
    fn candidate(&self) -> Option<Config> {
        Some(Config {
            authentik: self.authentik.clone()?,
            service: self.service.clone(),
            warnings: Vec::new(),
        })
    }

    /// Whether it is known where the service listens and who may read: defaults in place of errors say
    /// neither.
    fn has_access_rules(&self) -> bool {
        let decides = |path: &String| {
            path == "entityProvider.listen" || path.starts_with("entityProvider.auth")
        };
        !self.is_partial && !self.failed.iter().any(decides)
    }
}

/// All files as one.
struct Merged {
    tree: Node,
    /// Why files cannot be read.
    errors: Vec<ConfigError>,
    misplaced: Vec<Misplaced>,
}

impl Merged {
    fn of(files: Vec<Result<Document, ConfigError>>, names: &str) -> Self {
        let mut merged = Self {
            tree: Node::new(&Source::Document(names.to_owned()), Content::Absent),
            errors: Vec::new(),
            misplaced: Vec::new(),
        };
        for file in files {
            match file {
                Ok(Document { node, misplaced }) => {
                    merged.tree.merge(node);
                    merged.misplaced.extend(misplaced);
                }
                Err(error) => merged.errors.push(error),
            }
        }
        merged
    }
}

impl Findings {
    /// Adds the blocks whose keys are lost in a wrong place.
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

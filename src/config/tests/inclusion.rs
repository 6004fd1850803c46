use super::*;

/// A directory on disk that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path =
            std::env::temp_dir().join(format!("entity-provider-{}-{name}", std::process::id()));
        for (file, content) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        Self(path)
    }

    /// Loads the file `app-config.yaml` of this directory; messages are cut down to file names.
    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, String> {
        let directory = format!("{}/", self.0.display());
        Config::load(&[self.0.join(FILE)], &env(variables)).map_err(|error| {
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
            error.to_string().replace(&directory, "")
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn values_come_from_variables_files_and_other_configurations() {
    let main = "
catalog:
  providers:
    authentik:
      baseUrl: {$env: '${PREFIX}_URL'}
      token: {$file: secrets/token}
      excludeGroups: [a, {$env: GROUP}, {$include: more.json#groups.first}]
      schedule: {$include: ./more.yml#schedules.night}
entityProvider: {$include: service.yaml}
";
    let folder = Folder::new(
        "all",
        &[
            (FILE, main),
            ("secrets/token", &format!("{SECRET}\n\n")),
            (
                "more.json",
                "{\"groups\":\t{\"first\": \"${B:-b}\"}, \"other\": [1, {\"x\": null}]}",
            ),
            (
                "more.yml",
                "other: !Custom [x]\nschedules: {night: {frequency: {hours: 8}, timeout: {$env: NIGHT}}}",
            ),
            (
                "service.yaml",
                "concurrency: '${C}'\nlisten: {$include: deep/er/listen.yaml#at}",
            ),
            ("deep/er/listen.yaml", "at: {$include: ../port.yaml}"),
            ("deep/port.yaml", "127.0.0.1:81"),
        ],
    );
    let url = "https://a.example.com";
    let config = folder.load(&[
        ("PREFIX", "A"),
        ("A_URL", url),
        ("GROUP", "g"),
        ("C", "6"),
        ("NIGHT", "9m"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.authentik.base_url.as_str(), url);
    assert_eq!(config.authentik.token.expose_secret(), SECRET);
    assert_eq!(config.authentik.exclude_groups, ["a", "g", "b"]);
    let schedule = config.authentik.schedule;
    assert!(
        matches!(schedule.frequency, Frequency::Every(period) if period.as_secs() == 8 * 60 * 60)
    );
    assert_eq!(schedule.timeout, Duration::from_mins(9));
    assert_eq!(
        (config.service.concurrency, config.service.listen.port()),
        (6, 81)
    );
}

#[test]
fn an_inclusion_around_our_blocks_gives_them() {
    let folder = Folder::new(
        "around",
        &[
            (
                FILE,
                "catalog: {$include: catalog.yaml}\nentityProvider: {pageSize: 7}",
            ),
            (
                "catalog.yaml",
                "rules: [!Custom x]\nproviders: {$include: '${P}.yaml#list', }",
            ),
            (
                "p.yaml",
                "list: {github: {$include: none.yaml}, authentik: {excludeGroups: [x]}}",
            ),
        ],
    );
    let config = folder.load(&[MINIMAL[0], MINIMAL[1], ("P", "p")]).unwrap();
    assert_eq!(
        (config.authentik.exclude_groups, config.service.page_size),
        (vec!["x".to_owned()], 7)
    );
    let folder = Folder::new(
        "whole",
        &[
            (FILE, "$include: all.json"),
            ("all.json", "{\"entityProvider\": {\"pageSize\": 8}}"),
        ],
    );
    assert_eq!(folder.load(&MINIMAL).unwrap().service.page_size, 8);
}

#[test]
fn a_bad_value_in_an_included_file_is_named_with_both_files() {
    let folder = Folder::new(
        "bad-value",
        &[
            (FILE, "entityProvider: {$include: service.yaml#mine}"),
            ("service.yaml", "mine: {pageSize: 0}"),
        ],
    );
    assert_eq!(
        folder.load(&MINIMAL).unwrap_err(),
        "service.yaml, included by app-config.yaml: entityProvider.pageSize: \
         expected a whole number from 1 to 100, found `0`"
    );
}

#[test]
fn an_inclusion_that_cannot_be_resolved_is_named_with_key_and_remedy() {
    let alone =
        "`$env`, `$file` and `$include` must be the only key of a mapping; remove the other keys";
    let ending = "expected a file that ends in .yaml, .yml or .json";
    for (value, expected) in [
        ("{$file: none}", "cannot read none: No such file or directory (os error 2); check the path and its permissions".to_owned()),
        ("{$include: none.yaml}", "cannot read none.yaml: No such file or directory (os error 2); check the path and its permissions".into()),
        ("{$include: binary.yaml}", "cannot read binary.yaml: it is not UTF-8 text; check the path and its permissions".into()),
        ("{$include: token}", format!("cannot include `token`; {ending}")),
        ("{$include: a.toml#x}", format!("cannot include `a.toml`; {ending}")),
        ("{$include: good.yaml#a.c}", "there is no `a.c` in good.yaml; correct the path".into()),
        ("{$include: good.yaml#a.b.c}", "there is no `a.b.c` in good.yaml; correct the path".into()),
        ("{$env: NONE}", "environment variable `NONE` is not set or empty; set it, or set a default as in `${NONE:-default}`".into()),
        ("{$file: '${NONE}'}", "environment variable `NONE` is not set or empty; set it, or set a default as in `${NONE:-default}`".into()),
        ("{$env: [A]}", "`$env` needs a string that is not empty".into()),
        ("{$file: ''}", "`$file` needs a string that is not empty".into()),
        ("{$include: '${NONE:-}'}", "`$include` needs a string that is not empty".into()),
        ("{$env: A, other: B}", alone.into()),
        ("{$env: A, $file: B}", alone.into()),
    ] {
        let folder = Folder::new("unresolved", &[
            (FILE, &authentik(&format!("token: {value}"))),
            ("good.yaml", "a: {b: s3cret0123456789}"),
        ]);
        fs::write(folder.0.join("binary.yaml"), [0xff, 0xfe]).unwrap();
        let error = folder.load(&MINIMAL[..1]).unwrap_err();
        assert_eq!(error, format!("app-config.yaml: catalog.providers.authentik.token: {expected}"), "{value}");
        assert!(folder.load(&MINIMAL).is_ok(), "a variable replaces {value}");
    }
}

#[test]
fn a_broken_included_file_is_named_with_line_and_column() {
    for (name, text, expected) in [
        ("x.yaml", "a: ]", "line 1, column 4: this is not valid YAML"),
        (
            "x.yaml",
            "a: 1\na: 2",
            "line 2, column 1: this key occurs twice in one mapping",
        ),
        (
            "x.json",
            "{\n  s3cret0123456789}",
            "line 2, column 3: this is not valid JSON; correct it there",
        ),
        (
            "x.json",
            "{} {}",
            "line 1, column 4: this is not valid JSON; correct it there",
        ),
        (
            "x.json",
            "",
            "line 1, column 0: this is not valid JSON; correct it there",
        ),
    ] {
        let folder = Folder::new(
            "broken",
            &[
                (FILE, &service(&format!("listen: {{$include: {name}}}"))),
                (name, text),
            ],
        );
        let error = folder.load(&MINIMAL).unwrap_err();
        let start = format!("{name}, included by app-config.yaml: {expected}");
        assert!(error.starts_with(&start), "{error}");
    }
}

#[test]
fn inclusions_end() {
    let circle = Folder::new(
        "circle",
        &[
            (FILE, "entityProvider: {$include: a.yaml}"),
            ("a.yaml", "listen: {$include: ./b.yaml}"),
            ("b.yaml", "$include: ../${HERE}/a.yaml"),
        ],
    );
    let here = circle.0.file_name().unwrap().to_str().unwrap();
    let error = circle
        .load(&[MINIMAL[0], MINIMAL[1], ("HERE", here)])
        .unwrap_err();
    assert!(
        error.starts_with(
            "b.yaml, included by a.yaml, included by app-config.yaml: entityProvider.listen: "
        ),
        "{error}"
    );
    assert!(
        error.ends_with("a.yaml includes itself; remove the `$include`"),
        "{error}"
    );

    let oneself = Folder::new(
        "oneself",
        &[(
            FILE,
            "x: {y: 5}\nentityProvider: {pageSize: {$include: app-config.yaml#x.y}}",
        )],
    );
    assert_eq!(oneself.load(&MINIMAL).unwrap().service.page_size, 5);

    let names: Vec<_> = (0..12)
        .map(|at| (format!("{at}.yaml"), format!("$include: {}.yaml", at + 1)))
        .collect();
    let mut files: Vec<_> = names
        .iter()
        .map(|(name, text)| (&name[..], &text[..]))
        .collect();
    files.push((FILE, "entityProvider: {$include: 0.yaml}"));
    let error = Folder::new("chain", &files).load(&MINIMAL).unwrap_err();
    assert!(
        error.ends_with("more than 8 files include each other; include them directly"),
        "{error}"
    );
}

#[test]
fn directives_in_foreign_blocks_are_left_alone() {
    let yaml = "app: {$include: none.yaml}\nauth: {$env: NONE, x: 1}\n\
                catalog: {locations: {$file: none}, providers: {github: {$include: none.toml}}}";
    loaded(yaml, &MINIMAL);
}

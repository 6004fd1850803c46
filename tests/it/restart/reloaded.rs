//! A changed configuration: another state directory, another server.

use super::*;

/// Starts a service with a configuration file that sets a server and a state directory.
async fn served_with(world: &World, file: &Path, base: &str, state: &str) -> Served {
    write(file, base, state);
    Served::of(Process::spawn(
        &["serve", "--config", file.to_str().unwrap()],
        &world.only_token(),
    ))
    .await
}

fn write(file: &Path, base: &str, state: &str) {
    let text = format!(
        "catalog: {{providers: {{authentik: {{baseUrl: '{base}', schedule: {{frequency: {{trigger: manual}}}}}}}}}}\n\
         entityProvider: {{listen: '127.0.0.1:0', stateDir: '{state}'}}\n"
    );
    std::fs::write(file, text).unwrap();
}

impl World {
    fn only_token(&self) -> Vec<(&str, &str)> {
        let variables = self
            .variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        variables
            .filter(|(name, _)| *name == "AUTHENTIK_TOKEN")
            .collect()
    }

    fn base(&self) -> &str {
        &self.authentik.as_ref().unwrap().base
    }
}

#[tokio::test]
async fn another_state_directory_takes_effect_at_once() {
    let world = World::of(crowd(5)).await;
    let (file, one, other) = (
        world.disk.path().join("a.yaml"),
        world.disk.path().join("one"),
        world.disk.path().join("other"),
    );
    let mut served = served_with(&world, &file, world.base(), one.to_str().unwrap()).await;
    served.sync().await;
    write(&file, world.base(), other.to_str().unwrap());
    served.process.signal(Signal::HUP);
    served.process.logged("reload succeeded").await;
    served.end().await;
    assert_eq!((files(&one).len(), files(&one)), (1, files(&other)));
}

#[tokio::test]
async fn another_server_restores_its_own_state_file() {
    let world = World::of(crowd(5)).await;
    let other = World::of(crowd(7)).await;
    let file = world.disk.path().join("a.yaml");
    let state = world.state();
    let state = state.to_str().unwrap();
    let mut served = served_with(&world, &file, world.base(), state).await;
    served.sync().await;
    write(&file, other.base(), state);
    served.process.signal(Signal::HUP);
    served.process.logged("sync succeeded").await;
    served.process.logged("sync succeeded").await;
    assert_eq!(served.names("user").await.len(), 7);
    world.fake.revoke(FakeAuthentik::TOKEN);
    write(&file, world.base(), state);
    served.process.signal(Signal::HUP);
    served.process.logged("restart succeeded").await;
    served.process.logged("sync failed").await;
    assert_eq!(served.names("user").await.len(), 5);
}

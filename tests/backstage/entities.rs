//! Backstage's catalog contains exactly the entities of the service.

use fake_authentik::FakeDirectory;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::service::Service;

#[tokio::test]
async fn users_groups_and_relations_are_exactly_those_of_the_service() {
    let authentik = Authentik::spawn(FakeDirectory::generate(300)).await;
    let service = Service::spawn(&authentik).await;
    service.sync().await;
    let promised = service.catalog().await;
    assert!(promised.refs().len() > 290, "{}", promised.refs().len());
    for relation in ["memberOf", "hasMember", "parentOf", "childOf"] {
        assert!(
            promised.has_relation(relation),
            "no {relation} to be compared"
        );
    }
    let backstage = Backstage::spawn(&Setup::patient(&service.entities_url())).await;
    backstage.becomes(&promised).await;
    backstage.holds(&promised).await;
    assert_eq!(promised.dangling(), [""; 0]);
    assert!(backstage.database.errors().await.is_empty());
}

//! Random edits at random moments of a run: the proof of completeness holds or the run fails.

use authentik_entity_provider::authentik::fake::{Action, FakeDirectory, FakeGroup, Place, Release, Step};

use super::{assert_served, loners, present};
use crate::support::app::Pair;
use crate::support::directory::{failure, group_pk};

/// Numbers that look random and are the same every time (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// An edit of any kind; new names begin with `new-`, since a row may come and go within a run.
fn random_edit(numbers: &mut Numbers) -> impl FnMut(&mut FakeDirectory) + Send + 'static + use<> {
    let (kind, number) = (numbers.below(6), numbers.below(1000));
    move |directory| {
        let row = (number % 40 + 1) * 10;
        let _ = match kind {
            0 => directory.add_user(&format!("new-{number}")) > 0,
            1 => directory.remove_user(row),
            2 => directory.rename(row, &format!("new-{number}")),
            3 => {
                let pk = group_pk(u128::from(number));
                if directory.group(pk).is_none() {
                    directory.insert_group(FakeGroup::new(pk, &format!("new-{number}")));
                }
                true
            }
            4 => directory.remove_group(group_pk(u128::from(row))),
            _ => directory.rename_group(group_pk(u128::from(row)), &format!("new-{number}")),
        };
    }
}

#[tokio::test]
async fn whatever_changes_whenever_a_run_hides_nobody_or_fails() {
    let mut succeeded = 0;
    for seed in 0..150 {
        let mut numbers = Numbers(seed);
        let pair = Pair::spawn(Release::V2026_5, loners(35), |config| {
            config.service.page_size = 10;
            config.service.concurrency = if seed % 2 == 0 { 1 } else { 4 };
        })
        .await;
        for _ in 0..=numbers.below(4) {
            let list = if numbers.below(2) == 0 { Place::Users } else { Place::Groups };
            let edit = random_edit(&mut numbers);
            let action = if numbers.below(2) == 0 { Action::before(edit) } else { Action::after(edit) };
            pair.fake.script(Step::at(list, action).nth(numbers.below(9) + 1));
        }
        let before = present(&pair.fake);
        let run = pair.app.sync().await;
        if run["state"] == "succeeded" {
            succeeded += 1;
            assert_served(&pair, &before, &format!("seed {seed}")).await;
        } else {
            assert_eq!(failure(&run).0, "incomplete", "seed {seed}: {run}");
        }
    }
    assert!(succeeded > 130, "{succeeded} runs of 150 succeeded");
}

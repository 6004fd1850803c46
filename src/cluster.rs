//! Several replicas and one truth: who syncs and who follows, over a PostgreSQL database.
//!
//! One replica holds the lease and syncs. It publishes each snapshot in the database; the others serve the same
//! bytes. Without a database, the process is alone ([`Seat::Solo`]).

pub mod clock;
pub mod database;
mod leadership;
mod lease;
pub mod member;
mod publication;
mod replicas;
mod requests;
mod run_table;
mod runs;
mod seat;
mod term;

pub use member::Member;
pub use publication::Publication;
pub use seat::Seat;
pub use term::Term;

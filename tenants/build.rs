//! Builds the crate again when a migration is added or renamed: they are embedded, and cargo does not see that.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
